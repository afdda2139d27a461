/**
 * Collects the observations of the storm: over HTTP from the running programs, from the NAS and the subscriber; and
 * from the database and the logs after the programs were stopped.
 */
import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobPage, JobView } from '#shared/wire/job-service';
import type { StateEvent } from '#shared/wire/state-event';
import { summaryOf, replay } from '#jobs/runtime/job-runtime-state';
import { createJobMachineRunner } from '#jobs/runtime/job-machine-runner';
import { messageOf } from '#shared/errors';
import { observeSchedules } from './schedule-client.ts';
import { textsShownTo } from './shown-texts.ts';
import { createCoreApiClient, type CoreApiClient } from './core-api-client.ts';
import { judgeLine } from './log-lines.ts';
import type { Ledger } from './ledger.ts';
import type { MemoSeen, ObservedJob, Observations } from './observations.ts';
import { bridgeHealth } from './wait-until-idle.ts';
import { rereadStream, type BrokerAddress, type StreamWatcher } from './stream-watcher.ts';
import { programsOf, type ChaosEnvironment } from './chaos-environment.ts';
import type { StormDatabase } from './storm-database.ts';

export interface CollectOptions {
  world: ChaosEnvironment;
  ledger: Ledger;
  watcher: StreamWatcher;
  broker: BrokerAddress;
  userIds: readonly number[];
  unrest: string[];
}

/** The longest wait for the last events, which are still on their way to the subscribers. */
const catchUpMsMax = 15_000;
/** The number of concurrent requests. */
const parallel = 4;

/** Collects all observations. Stops the programs. */
export async function collect(options: CollectOptions): Promise<Observations> {
  const { world, ledger, watcher, broker, userIds } = options;
  const api = createCoreApiClient(
    world.cores.map(({ url }) => url),
    world.apiKey,
  );
  const jobs = await observeJobs(api);
  const eventCount = jobs.reduce((sum, { events }) => sum + events.length, 0);
  const until = performance.now() + catchUpMsMax;
  while (watcher.events.length < eventCount && performance.now() < until) await sleep(50);
  const rebuilt = await rereadStream(broker, eventCount, catchUpMsMax);
  const people = [...new Set(ledger.sent.map(({ userId }) => userId))];
  const calendars = new Map<string, string[]>();
  for (const userId of people) calendars.set(userId, await entriesOf(api, userId));
  const memos = await observeMemos(api, ledger);
  const schedules = await observeSchedules(api, ledger.schedules);
  const bridge = await bridgeHealth(world);
  const programs = programsOf(world);
  for (const program of programs) await program.stop();
  const died = programs.flatMap(({ name, diedByItself }) =>
    diedByItself.map((how) => `${name}: ${how}`),
  );
  const logs = await readLogs(world);
  return {
    sent: ledger.sent,
    jobs,
    shown: new Map(userIds.map((id) => [String(id), textsShownTo(world.dsm, id)])),
    streamed: [...watcher.events],
    streamFaults: [...watcher.faults],
    rebuilt,
    followed: ledger.followed,
    calendars,
    consented: ledger.consented,
    cancels: ledger.cancels,
    explicit: ledger.explicit,
    memos,
    schedules,
    overlaps: [...world.small.overlaps, ...world.large.overlaps],
    stops: world.isCluster ? world.cores.flatMap(({ program }) => program.frozen) : [],
    partitions: (await world.database.postgres?.readPartitions()) ?? null,
    ...(await replayAll(world.database)),
    ...logs,
    died,
    bridge,
    unrest: options.unrest,
    refusals: ledger.refusals,
  };
}

/** All jobs, oldest first. */
async function observeJobs(api: CoreApiClient): Promise<ObservedJob[]> {
  const ids: string[] = [];
  let cursor: string | null = null;
  do {
    const query: string = cursor === null ? '' : `&cursor=${cursor}`;
    const { body } = await api.callUntilAnswered('GET', `/jobs?limit=500${query}`);
    const page = body as JobPage;
    ids.push(...page.jobs.map(({ job_id: id }) => id));
    cursor = page.next_cursor;
  } while (cursor !== null);
  return inParallel(ids.toReversed(), async (id) => {
    const { body: view } = await api.callUntilAnswered('GET', `/chat/${id}`);
    const { body: listing } = await api.callUntilAnswered('GET', `/jobs/${id}/events`);
    return { view: view as JobView, events: (listing as { events: StateEvent[] }).events };
  });
}

async function inParallel<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = Array.from({ length: items.length });
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < items.length) {
      const index = next;
      next += 1;
      results[index] = await work(items[index]!);
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  return results;
}

async function entriesOf(api: CoreApiClient, userId: string): Promise<string[]> {
  const ics = await api.text(`/calendar.ics?user_id=${encodeURIComponent(userId)}`);
  // iCalendar folds long lines, also within a title.
  return [...ics.replaceAll(/\r?\n[ \t]/g, '').matchAll(/^SUMMARY[^:\r\n]*:(.*?)\r?$/gm)].map(
    ([, title]) => title ?? '',
  );
}

async function observeMemos(api: CoreApiClient, { memos }: Ledger): Promise<MemoSeen[]> {
  return inParallel(memos, async ({ id, userId, text }) => {
    const answer = await api.callUntilAnswered('GET', `/documents/${id}?user_id=${userId}`);
    const isThere = answer.status === 200;
    return {
      id,
      text,
      found: isThere ? (answer.body.extracted_text as string) : null,
      status: isThere ? ((answer.body.md_draft_status as string | null) ?? null) : null,
    };
  });
}

/** P4, checked on the database after its last program has ended. */
async function replayAll(
  database: StormDatabase,
): Promise<{ replayFaults: string[]; replayed: number }> {
  const stored = await database.read();
  const machine = createJobMachineRunner();
  const replayFaults: string[] = [];
  try {
    for (const id of stored.ids) {
      try {
        const job = (await stored.jobs.find(id))!;
        const state = replay(machine, job.input, await stored.jobs.rows(job.num));
        const { n, seq, ...head } = job.head;
        const made = Object.entries(summaryOf(state));
        const isSame =
          state.rowNumber === n &&
          state.seq === seq &&
          made.every(([name, value]) => head[name as keyof typeof head] === value);
        if (!isSame) replayFaults.push(`${id}: its rows give another state than the stored one`);
      } catch (error) {
        replayFaults.push(`${id}: ${messageOf(error)}`);
      }
    }
    return { replayFaults, replayed: stored.ids.length };
  } finally {
    await stored.close();
  }
}

async function readLogs(
  world: ChaosEnvironment,
): Promise<{ logFaults: string[]; logLines: number }> {
  const logFaults: string[] = [];
  let logLines = 0;
  for (const { name, logFile } of programsOf(world)) {
    for await (const line of createInterface({ input: createReadStream(logFile) })) {
      logLines += 1;
      const fault = judgeLine(line, world.secrets);
      if (fault !== null) logFaults.push(`${name}: ${fault}: ${line.slice(0, 300)}`);
    }
  }
  return { logFaults, logLines };
}
