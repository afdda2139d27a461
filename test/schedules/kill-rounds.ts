/**
 * Reminders that are due while core, bridge or broker are killed with SIGKILL: each is delivered once, or marked as uncertain.
 * A round makes reminders for the next seconds, kills one program at a random moment around them, and starts it again. The
 * random numbers come from the seed; which step a kill meets depends on the machine.
 *
 *   node test/schedules/kill-rounds.ts --rounds 200 --seed 1
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { isoTime } from '#shared/calendar/time-units';
import type { JobView } from '#shared/wire/job-service';
import type { RunsView, ScheduleView } from '#shared/wire/schedule-service';
import { randomOf } from '#simulators/random';
import { openStormWorld, type StormWorld } from '#test/channels/storm-world';
import { textsShownTo } from '#test/chaos/shown-texts';

export interface KillRoundsOptions {
  rounds: number;
  seed: number;
  /** All reminders must have ended within this time after the last round. */
  settleMsMax: number;
  say?(line: string): void;
}

export interface KillRoundsResult {
  faults: string[];
  made: number;
  sent: number;
  uncertain: number;
  kills: Record<string, number>;
  seconds: number;
}

const userIds = [4, 5, 6, 7];
const perRound = 6;
const requestMsMax = 5_000;

export async function runKillRounds(options: KillRoundsOptions): Promise<KillRoundsResult> {
  const began = performance.now();
  const random = randomOf(options.seed);
  const world = await openStormWorld(userIds);
  try {
    await Promise.all([world.core.start(), world.bridge.start()]);
    const made: ScheduleView[] = [];
    const kills: Record<string, number> = { core: 0, bridge: 0, broker: 0 };
    for (let round = 0; round < options.rounds; round += 1) {
      const target = (['core', 'bridge', 'broker'] as const)[Math.floor(random() * 3)]!;
      // Reminders are for whole seconds: some are due before the kill, some while the program is down.
      const due = Math.ceil((Date.now() + 400) / 1_000) * 1_000;
      for (let n = 0; n < perRound; n += 1) {
        const at = due + Math.floor(n / 3) * 1_000;
        made.push(await makeReminder(world, `#s${round}-${n}#`, at, n));
      }
      await sleep(due - Date.now() - 50 + random() * 400);
      kills[target]! += 1;
      if (target === 'broker') {
        await world.broker.kill();
        await sleep(random() * 300);
        await world.broker.restart();
      } else {
        await world[target].kill();
        await sleep(random() * 300);
        await world[target].start();
      }
      if (round % 20 === 19) options.say?.(`${round + 1} rounds`);
    }
    const audited = await audit(world, made, options.settleMsMax);
    const seconds = Math.round((performance.now() - began) / 1_000);
    return { ...audited, made: made.length, kills, seconds };
  } finally {
    await world.close();
  }
}

async function makeReminder(
  world: StormWorld,
  mark: string,
  at: number,
  n: number,
): Promise<ScheduleView> {
  return call<ScheduleView>(world, '/schedules', {
    text: `물 마시기 ${mark}`,
    at: isoTime(at).slice(0, 19),
    zone: 'UTC',
    user_id: String(userIds[n % userIds.length]),
    channel: 'synology',
    idempotency_key: mark,
  });
}

/** Tries again until there is an answer. */
async function call<Body>(world: StormWorld, path: string, body?: object): Promise<Body> {
  for (;;) {
    const response = await fetch(`${world.coreUrl}${path}`, {
      signal: AbortSignal.timeout(requestMsMax),
      ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
    }).catch(() => null);
    if (response?.ok === true) return (await response.json()) as Body;
    if (response !== null && response.status < 500) throw new Error(await response.text());
    await sleep(100);
  }
}

async function audit(
  world: StormWorld,
  made: readonly ScheduleView[],
  settleMsMax: number,
): Promise<Pick<KillRoundsResult, 'faults' | 'sent' | 'uncertain'>> {
  const until = performance.now() + settleMsMax;
  const faults: string[] = [];
  const counts = { sent: 0, uncertain: 0 };
  const runs = new Map<string, string[]>();
  for (const { id, text } of made) {
    const { status, jobs } = await settled(world, id, until);
    runs.set(id, jobs);
    if (jobs.length !== 1) faults.push(`${text} has ${jobs.length} jobs`);
    if (status === 'sent' || status === 'uncertain') counts[status] += 1;
    else faults.push(`${text} is ${status ?? 'not reported'}`);
    if (status === null) continue;
    const [posted, most] = [postsOf(world, text), 1];
    const least = status === 'sent' ? 1 : 0;
    if (posted < least || posted > most) faults.push(`${text}, ${status}, stands ${posted} times`);
  }
  return { faults, ...counts };
}

const postsOf = ({ dsm }: StormWorld, text: string): number =>
  userIds.flatMap((id) => textsShownTo(dsm, id)).filter((shown) => shown.includes(text)).length;

/** What became of the message of a reminder; null at the end of the time. */
async function settled(
  world: StormWorld,
  id: string,
  until: number,
): Promise<{ status: string | null; jobs: string[] }> {
  for (;;) {
    const { runs } = await call<RunsView>(world, `/schedules/${id}/runs`);
    const jobs = [...new Set(runs.map(({ job_id: job }) => job))];
    const [job] = jobs;
    const view = job === undefined ? null : await call<JobView>(world, `/chat/${job}`);
    const status = view?.deliveries.at(-1)?.status ?? null;
    if (status !== null || performance.now() > until) return { status, jobs };
    await sleep(100);
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '200' },
      seed: { type: 'string', default: '1' },
    },
  });
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => process.exit(130));
  const { faults, ...result } = await runKillRounds({
    rounds: Number(values.rounds),
    seed: Number(values.seed),
    settleMsMax: 60_000,
    say: (line) => console.log(line),
  });
  console.log(JSON.stringify(result));
  for (const fault of faults) console.error(fault);
  process.exit(faults.length === 0 ? 0 : 1);
}
