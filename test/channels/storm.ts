/**
 * Messages of many users, while the bridge, the core and the broker are killed with SIGKILL at random and the NAS
 * fails in every known way. The random numbers come from the seed; the timing depends on the machine.
 *
 *   node test/channels/storm.ts --messages 2000 --users 20 --seed 1
 *
 * Prints the results of the messages, and exits 1 when a guarantee was violated.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { JobPage, JobView } from '#shared/wire/job-service';
import { auditStorm, markOf, type StormMessage, type StormVerdict } from './storm-audit.ts';
import { openStormWorld, type StormWorld } from './storm-world.ts';

export interface StormOptions {
  messages: number;
  users: number;
  seed: number;
  /** The fraction of the NAS's responses that fail. */
  faultRate: number;
  /** The average number of posts between two kills. */
  postsPerKill: number;
  /** All messages must have ended within this time after the last message. */
  settleMsMax: number;
  say?(line: string): void;
}

export interface StormResult extends StormVerdict {
  kills: Record<string, number>;
  nas: Record<string, number>;
  seconds: number;
}

/** Mulberry32: a small, seeded random number generator. */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export async function runStorm(options: StormOptions): Promise<StormResult> {
  const began = performance.now();
  const userIds = Array.from({ length: options.users }, (_, index) => index + 4);
  const world = await openStormWorld(userIds);
  try {
    await Promise.all([world.core.start(), world.bridge.start()]);
    options.say?.(`started after ${seconds(began)} s`);
    world.dsm.setStorm({ seed: options.seed, rate: options.faultRate });
    const progress = { isOver: false };
    const killing = killAtRandom(world, options, progress);
    const messages = await sendAll(world, userIds, options);
    options.say?.(`all are accepted after ${seconds(began)} s`);
    // The storm continues during most of the answers.
    await world.dsm
      .until(() => world.dsm.posts().length >= options.messages * 1.8, options.settleMsMax)
      .catch(() => options.say?.('the storm is ended: the answers do not come'));
    progress.isOver = true;
    const kills = await killing;
    world.dsm.setStorm(null);
    const jobs = await settled(world, messages, options);
    options.say?.(`all is quiet after ${seconds(began)} s`);
    await Promise.all([world.bridge.stop(), world.core.stop()]);
    const { output: bridgeLog } = world.bridge;
    const verdict = auditStorm({
      messages,
      dsm: world.dsm,
      jobs,
      logs: bridgeLog + world.core.output,
      secrets: [world.token],
      bridgeKills: kills['bridge'] ?? 0,
    });
    const { outcomes } = world.dsm.audit();
    return { ...verdict, kills, nas: outcomes, seconds: seconds(began) };
  } finally {
    await world.close();
  }
}

const seconds = (began: number): number => Math.round((performance.now() - began) / 100) / 10;

/** All users send in parallel; each user sends the next message when the chat has delivered the previous message. */
async function sendAll(
  { dsm }: StormWorld,
  userIds: readonly number[],
  { messages: total, seed }: StormOptions,
): Promise<StormMessage[]> {
  const sent: StormMessage[] = [];
  let next = 0;
  await Promise.all(
    userIds.map(async (userId) => {
      const random = randomOf(seed * 1_000 + userId);
      for (let n = 1; next < total; n += 1) {
        next += 1;
        const mark = markOf(userId, n);
        const kind = random() < 0.05 ? 'long' : 'short';
        const text = `${kind === 'long' ? '길게 ' : ''}말해줘 ${mark}`;
        const [delivery] = await dsm.say({ userId, text }).settled;
        if (delivery?.state !== 'answered') throw new Error(`${mark}: ${delivery?.problem}`);
        sent.push({ userId, n, mark, kind });
        await sleep(random() * 60);
      }
    }),
  );
  return sent;
}

/** Kills one process after another, each after some more posts of users or of the bot. */
async function killAtRandom(
  { bridge, core, broker, dsm }: StormWorld,
  { seed, postsPerKill, say }: StormOptions,
  progress: { isOver: boolean },
): Promise<Record<string, number>> {
  const random = randomOf(seed);
  const kills: Record<string, number> = { bridge: 0, core: 0, broker: 0 };
  const programs = {
    bridge: { kill: () => bridge.kill(), start: () => bridge.start() },
    core: { kill: () => core.kill(), start: () => core.start() },
    broker: { kill: () => broker.kill(), start: () => broker.restart() },
  };
  let round: (keyof typeof programs)[] = [];
  let nextAt = postsPerKill * random();
  while (!progress.isOver) {
    if (dsm.posts().length < nextAt) {
      await sleep(5);
      continue;
    }
    if (round.length === 0) round = ['bridge', 'bridge', 'core', 'broker'];
    const [name] = round.splice(Math.floor(random() * round.length), 1) as ['bridge'];
    await programs[name].kill();
    kills[name] = (kills[name] ?? 0) + 1;
    say?.(`${dsm.posts().length} posts: the ${name} is killed`);
    await sleep(random() * 500);
    await programs[name].start();
    nextAt = dsm.posts().length + postsPerKill * (0.5 + random());
  }
  return kills;
}

/** Waits until the bridge is idle, and returns the jobs by the mark of their message. */
async function settled(
  { coreUrl, bridgeUrl, bridge }: StormWorld,
  messages: readonly StormMessage[],
  { settleMsMax, say }: StormOptions,
): Promise<Map<string, JobView>> {
  const deadline = Date.now() + settleMsMax;
  const get = async <Body>(url: string): Promise<Body> =>
    (await fetch(url)).json() as Promise<Body>;
  let health: Record<string, unknown> = {};
  for (;;) {
    health = await get<Record<string, unknown>>(`${bridgeUrl}/healthz`);
    const { inbox, outbox, unreported } = health;
    if (inbox === 0 && outbox === 0 && unreported === 0) break;
    if (Date.now() > deadline) {
      say?.(`not settled: ${JSON.stringify(health)}\n${bridge.output.slice(-3_000)}`);
      break;
    }
    await sleep(100);
  }
  const jobs = new Map<string, JobView>();
  const marks = new Set(messages.map(({ mark }) => mark));
  let cursor: string | null = null;
  do {
    const query = cursor === null ? '' : `&cursor=${cursor}`;
    const page: JobPage = await get<JobPage>(`${coreUrl}/jobs?limit=500${query}`);
    for (const { job_id, message } of page.jobs) {
      const mark = /#\d+-\d+#/.exec(message)?.[0] ?? '';
      if (jobs.has(mark)) throw new Error(`${mark} became two jobs`);
      if (!marks.has(mark)) continue;
      jobs.set(mark, await deliveredJob(`${coreUrl}/chat/${job_id}`, get, deadline));
    }
    cursor = page.next_cursor;
  } while (cursor !== null);
  return jobs;
}

/** Waits for the delivery report, which may still be on its way through the broker. */
async function deliveredJob(
  url: string,
  get: <Body>(url: string) => Promise<Body>,
  deadline: number,
): Promise<JobView> {
  for (;;) {
    const job = await get<JobView>(url);
    const isTold = job.deliveries.some(({ reply_id }) => reply_id === `${job.job_id}:${job.seq}`);
    if (isTold || Date.now() > deadline) return job;
    await sleep(100);
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      messages: { type: 'string', default: '2000' },
      users: { type: 'string', default: '20' },
      seed: { type: 'string', default: '1' },
    },
  });
  const result = await runStorm({
    messages: Number(values.messages),
    users: Number(values.users),
    seed: Number(values.seed),
    faultRate: 0.15,
    postsPerKill: 50,
    settleMsMax: 600_000,
    say: console.log,
  });
  console.log(JSON.stringify(result, null, 2));
  process.exitCode = result.faults.length === 0 ? 0 : 1;
}
