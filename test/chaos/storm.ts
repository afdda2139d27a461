/**
 * One storm: starts the world, lets people and programs act while things go wrong, waits until all is quiet,
 * and audits from outside. The plan comes from the seed; the timing is the machine's, so a second run of a seed
 * meets the same faults in the same order, not the same microseconds.
 */
import { randomOf } from '#simulators/synology-chat/random';
import { auditStorm } from './audit.ts';
import type { Finding } from './finding.ts';
import { createButtonBoard, runPerson } from './chat-people.ts';
import { runHttpClient, runNatsClient, runUnauthorizedClient } from './clients.ts';
import { collect } from './collect.ts';
import { createLedger } from './ledger.ts';
import type { Observations } from './observations.ts';
import { waitUntilIdle } from './wait-until-idle.ts';
import { connectTo, watchStream } from './stream-watcher.ts';
import { runFaultTrack, isNamed, stormFaults } from './fault-schedule.ts';
import { openChaosEnvironment, type ChaosEnvironment } from './chaos-environment.ts';

export interface StormOptions {
  seed: number;
  users: number;
  /** People begin nothing new after this. */
  forMs: number;
  /** Nor after this many messages were sent; the faults finish their first round. */
  messagesMax: number;
  /** Names of groups, or parts of names of faults; empty: all. */
  only: readonly string[];
  /** Between two things that one person does, on average. */
  pauseMs: number;
  /** Between two faults of a lane, on average. */
  gapMs: number;
  /** Everything must have come to rest so long after the last message. */
  calmMsMax: number;
  withLlama: boolean;
  /** Where logs are kept. */
  folder: string;
  say(line: string): void;
}

export interface StormResult {
  findings: Finding[];
  observations: Observations;
  /** How often each fault struck. */
  strikes: Record<string, number>;
  /** Faults that cannot be had on this machine. */
  impossible: string[];
  figures: Record<string, number>;
}

export async function runStorm(options: StormOptions): Promise<StormResult> {
  const { users, say } = options;
  const began = performance.now();
  const seconds = (): number => Math.round((performance.now() - began) / 100) / 10;
  const userIds = Array.from({ length: users }, (_, index) => index + 4);
  const world = await openChaosEnvironment({ ...options, userIds });
  try {
    say(`the system runs after ${seconds()} s`);
    const broker = { url: world.broker.url, token: world.natsToken };
    const watcher = await watchStream(broker);
    const ledger = createLedger();
    const strikes: Record<string, number> = {};
    await act(world, { options, ledger, userIds, strikes });
    say(`${ledger.accepted} messages were accepted after ${seconds()} s`);
    const unrest = await waitUntilIdle(world, options.calmMsMax, say);
    const quietAfter = seconds();
    say(unrest.length === 0 ? `all is quiet after ${quietAfter} s` : unrest.join('\n'));
    const observations = await collect({ world, ledger, watcher, broker, userIds, unrest });
    await watcher.stop();
    const { requests: nasRequests, posts } = world.dsm.audit();
    return {
      findings: auditStorm(observations),
      observations,
      strikes,
      impossible: stormFaults.filter((one) => !one.isPossible(world)).map(({ name }) => name),
      figures: {
        accepted: ledger.accepted,
        jobs: observations.jobs.length,
        posts,
        nasRequests,
        modelRequests: world.small.requests + world.large.requests,
        events: observations.streamed.length,
        failedStarts: world.core.failedStarts + world.bridge.failedStarts,
        quietAfter,
        seconds: seconds(),
      },
    };
  } finally {
    await world.close();
  }
}

async function act(
  world: ChaosEnvironment,
  parts: {
    options: StormOptions;
    ledger: ReturnType<typeof createLedger>;
    userIds: readonly number[];
    strikes: Record<string, number>;
  },
): Promise<void> {
  const { options, ledger, userIds, strikes } = parts;
  const { seed, pauseMs, gapMs, only, say } = options;
  const until = performance.now() + options.forMs;
  const isTime = (): boolean =>
    performance.now() > until || ledger.sent.length >= options.messagesMax;
  let isBlowing = true;
  // People go on while things go wrong: a fault that nobody meets shows nothing.
  const isOver = (): boolean => isTime() && !isBlowing;
  const random = (n: number) => randomOf(seed * 10_007 + n);
  const board = createButtonBoard(world.dsm);
  const client = { world, ledger, pauseMs, isOver };
  const nc = await connectTo({ url: world.broker.url, token: world.natsToken });
  const people = [
    ...userIds.map((userId) =>
      runPerson({ ...client, dsm: world.dsm, board, userId, random: random(userId) }),
    ),
    runHttpClient({ ...client, random: random(1_001) }, 1),
    runHttpClient({ ...client, random: random(1_002) }, 2),
    runNatsClient({ ...client, random: random(1_003) }, nc),
    runUnauthorizedClient({ ...client, random: random(1_004) }),
  ];
  let open = 0;
  const faults = stormFaults.filter(
    (one) =>
      one.isPossible(world) && (only.length === 0 || only.some((name) => isNamed(one, name))),
  );
  ledger.isCalm = true;
  const lanes = (['programs', 'surroundings'] as const).map((lane, index) =>
    runFaultTrack({
      world,
      faults: faults.filter((one) => one.track === lane),
      random: random(2_000 + index),
      gapMs,
      isOver: isTime,
      onStrike({ name }, isBegun) {
        open += isBegun ? 1 : -1;
        ledger.isCalm = open === 0;
        if (!isBegun) return;
        strikes[name] = (strikes[name] ?? 0) + 1;
        say(`  ${name}`);
      },
    }),
  );
  await Promise.all(lanes);
  isBlowing = false;
  await Promise.all(people);
  await nc.close();
  board.close();
}
