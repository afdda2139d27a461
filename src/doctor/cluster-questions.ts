/** What the doctor asks the database of several workers: who lives, who owns what, and how the work is spread. */
import { checkResultsOf, type CheckResult } from '#shared/check-result';
import { reachesThisMachine } from '#shared/loopback';
import { parseWorkerInfo, type WorkerInfo } from '#storage/postgres/worker-info';
import type { PostgresQuestion } from './postgres-questions.ts';

const { fine, fault } = checkResultsOf('cluster');

/** Beyond it, timers of jobs shift when another worker takes them over. */
const clockDifferenceMaxMs = 1_000;
/** Jobs that are looked at, and the share of one partition of 64 that is more than chance. */
const recentJobs = 10_000;
const recentJobsMin = 100;
const hotShare = 0.15;
/** Names in one line. */
const namesMax = 6;

interface WorkerRow {
  name: string;
  machine: number;
  isolated: boolean;
  /** Its clock minus that of the database. */
  clockMs: number | null;
  info: string;
  partitions: number;
  others: string[];
}

const workers: PostgresQuestion<{ live: WorkerRow[] | null; gone: number }> = {
  needsTables: true,
  query: `select (select json_agg(json_build_object('name', worker.name, 'machine', machine_version,
        'isolated', isolated, 'clockMs', clock_ms, 'info', info,
        'partitions', (select count(*) from lease where lease.worker = worker.id and lease.name like 'part/%'),
        'others', array(select lease.name from lease
          where lease.worker = worker.id and lease.name not like 'part/%' order by lease.name))
        order by worker.name) from worker where not gone) as live,
    (select count(*) from worker where gone) as gone`,
  judge({ live, gone }, { isCoreThere }) {
    const known = (live ?? []).map((row) => ({ ...row, about: parseWorkerInfo(row.info) }));
    return [
      ...known.map((worker) => workerResult(worker)),
      countResult(known.length, gone, isCoreThere),
      ...clockResults(known),
      ...versionResults(known),
      ...hostResults(known),
    ];
  },
};

type KnownWorker = WorkerRow & { about: WorkerInfo | null };

function workerResult({ name, machine, isolated, partitions, others, about }: KnownWorker) {
  const version = about === null ? '' : ` ${about.version} on ${about.host},`;
  const held = [`${partitions} partitions`, ...others].join(', ');
  const what = `${name === '' ? 'a process without a name' : name}:${version} machine ${machine}, holds ${held}`;
  if (!isolated) return fine(what);
  const advice = 'others take its work over; check nats.url and the network of that machine';
  return fault(`${what}; it has no connection to NATS`, advice);
}

function countResult(live: number, gone: number, isCoreThere: boolean): CheckResult {
  const what = `workers: ${live}, gone since the database was made: ${gone}`;
  if (live === 0 && isCoreThere)
    return fault(what, 'the core at this address works on another database, or has no cluster');
  if (live === 1) return fine(what, 'no other worker takes over when it ends: start a second one');
  return fine(what);
}

function clockResults(live: readonly KnownWorker[]): CheckResult[] {
  const off = live.filter(({ clockMs }) => Math.abs(clockMs ?? 0) > clockDifferenceMaxMs);
  const advice =
    'timers of its jobs shift when others take them over: let all machines take their time from one source (NTP)';
  return off.map(({ name, clockMs }) => {
    const seconds = (Math.abs(clockMs!) / 1_000).toFixed(1);
    const side = clockMs! > 0 ? 'ahead of' : 'behind';
    return fine(`the clock of ${name} is ${seconds} s ${side} that of the database`, advice);
  });
}

function versionResults(live: readonly KnownWorker[]): CheckResult[] {
  const versions = new Set(live.flatMap(({ about }) => about?.version ?? []));
  const machines = [...new Set(live.map(({ machine }) => machine))].toSorted((a, b) => a - b);
  if (machines.length > 1) {
    const oldest = live.filter(({ machine }) => machine === machines[0]).map(({ name }) => name);
    const advice = 'they get no work that a newer one had: end the upgrade soon';
    return [fine(`an older job machine runs at ${listOf(oldest)}`, advice)];
  }
  if (versions.size < 2) return [];
  const what = `workers have different versions: ${[...versions].toSorted().join(', ')}`;
  return [fine(what, 'fine during an upgrade; give all the same version after it')];
}

/** A loopback address means another server on each machine, and one gate for all of them. */
function hostResults(live: readonly KnownWorker[]): CheckResult[] {
  const hosts = new Set(live.flatMap(({ about }) => about?.host ?? []));
  if (hosts.size < 2) return [];
  const local = live.flatMap(({ about }) =>
    Object.entries(about?.settings.backends ?? {}).flatMap(([id, { baseUrl }]) =>
      reachesThisMachine(new URL(baseUrl).hostname) ? id : [],
    ),
  );
  return [...new Set(local)].map((id) =>
    fault(
      `the backend ${id} has a loopback address, and the workers are on ${hosts.size} machines`,
      'each of them means another server: name the host of the model server in baseUrl',
    ),
  );
}

const owners: PostgresQuestion<{ free: string[] }> = {
  needsTables: true,
  query: `select array(select lease.name from lease
      left join worker on worker.id = lease.worker and not gone
      where worker.id is null order by lease.name) as free`,
  judge({ free }, { isCoreThere }) {
    if (free.length === 0) return [fine('each lease has an owner')];
    if (!isCoreThere) return [fine(`leases without an owner: ${free.length}`)];
    const parts = free.filter((name) => name.startsWith('part/'));
    const roles = free.filter((name) => name.startsWith('role/'));
    const others = free.filter((name) => !parts.includes(name) && !roles.includes(name));
    const found: CheckResult[] = [];
    if (parts.length > 0) {
      found.push(
        fault(
          `partitions without an owner: ${listOf(parts)}`,
          'if this stays, their messages wait: see the log of the workers, and whether all have an older version',
        ),
      );
    }
    if (roles.length > 0) {
      const advice = 'if this stays, that task is not done: see the log of the workers';
      found.push(fault(`roles without an owner: ${listOf(roles)}`, advice));
    }
    if (others.length > 0) {
      const advice = 'a gate of a backend that is no longer configured can stay free';
      found.push(fine(`other leases without an owner: ${listOf(others)}`, advice));
    }
    return found;
  },
};

const hot: PostgresQuestion<{ part: number | null; jobs: number | null; all: number }> = {
  needsTables: true,
  query: `with recent as (select part from job order by num desc limit ${recentJobs}),
      counts as (select part, count(*) as jobs from recent group by part)
    select (select count(*) from recent) as all, part, jobs
    from (values (1)) as one left join lateral (
      select part, jobs from counts order by jobs desc, part limit 1) as most on true`,
  judge({ part, jobs, all }) {
    if (part === null || jobs === null || all < recentJobsMin) return [];
    const share = Math.round((100 * jobs) / all);
    const what = `the busiest partition, part/${part}, has ${share} % of the last ${all} jobs`;
    if (jobs < hotShare * all) return [fine(what)];
    const advice =
      'one worker does all of it: a person’s work is not divided; give programs that send much several user ids';
    return [fine(what, advice)];
  },
};

const listOf = (names: readonly string[]): string =>
  names.length <= namesMax
    ? names.join(', ')
    : `${names.slice(0, namesMax).join(', ')} and ${names.length - namesMax} more`;

export const clusterQuestions: readonly PostgresQuestion<never>[] = [workers, owners, hot];
