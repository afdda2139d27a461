/**
 * One storm: starts the system, lets users and clients act during the faults, waits until the system is idle, and
 * audits from outside. The plan comes from the seed; the timing depends on the machine: a second run of a seed has
 * the same faults in the same order, not at the same microsecond.
 */
import { randomOf } from '#simulators/random';
import { auditStorm } from './audit.ts';
import type { Finding } from './finding.ts';
import { createButtonBoard, runPerson } from './chat-people.ts';
import { runScheduleClient } from './schedule-client.ts';
import { createCoreApiClient } from './core-api-client.ts';
import { runHttpClient, runNatsClient, runUnauthorizedClient } from './clients.ts';
import { collect } from './collect.ts';
import { createLedger } from './ledger.ts';
import type { Observations } from './observations.ts';
import { waitUntilIdle } from './wait-until-idle.ts';
import { connectTo, watchStream } from './stream-watcher.ts';
import { runFaultTrack, isNamed, stormFaults } from './fault-schedule.ts';
import { faultTracks, type StormFault } from './storm-fault.ts';
import { openChaosEnvironment, programsOf, type ChaosEnvironment } from './chaos-environment.ts';
import { clusterTiming } from './storm-config.ts';

export interface StormOptions {
  seed: number;
  users: number;
  /** Users start no action after this time. */
  forMs: number;
  /** Users start no action after this number of messages; the faults complete their first round. */
  messagesMax: number;
  /** Names of groups, or parts of names of faults; empty: all faults. */
  only: readonly string[];
  /** The average pause between two actions of a user. */
  pauseMs: number;
  /** The average pause between two faults of a track. */
  gapMs: number;
  /** The system must be idle within this time after the last message. */
  calmMsMax: number;
  withLlama: boolean;
  database: 'sqlite' | 'postgres';
  /** 0: one core that is no worker of a cluster. */
  workers: number;
  /** The folder of the logs. */
  folder: string;
  say(line: string): void;
}

export interface StormResult {
  findings: Finding[];
  observations: Observations;
  /** The number of occurrences of each fault. */
  strikes: Record<string, number>;
  /** Names of the faults that had to strike at least once. */
  planned: string[];
  /** Faults that are not possible on this machine, or in this storm. */
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
    const broker = { url: world.brokerUrl, token: world.natsToken };
    const watcher = await watchStream(broker);
    const ledger = createLedger();
    const strikes: Record<string, number> = {};
    const planned = faultsFor(world, options.only);
    await act(world, { options, ledger, userIds, strikes, faults: planned });
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
      planned: planned.map(({ name }) => name),
      impossible: stormFaults.filter((one) => !one.isPossible(world)).map(({ name }) => name),
      figures: {
        accepted: ledger.accepted,
        jobs: observations.jobs.length,
        posts,
        nasRequests,
        modelRequests: world.small.requests + world.large.requests,
        events: observations.streamed.length,
        failedStarts: programsOf(world).reduce((sum, { failedStarts }) => sum + failedStarts, 0),
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
    faults: readonly StormFault[];
  },
): Promise<void> {
  const { options, ledger, userIds, strikes, faults } = parts;
  const { seed, pauseMs, gapMs, say } = options;
  const until = performance.now() + options.forMs;
  const isTime = (): boolean =>
    performance.now() > until || ledger.sent.length >= options.messagesMax;
  let isBlowing = true;
  // Users continue during the faults: a fault without traffic tests nothing.
  const isOver = (): boolean => isTime() && !isBlowing;
  const random = (n: number) => randomOf(seed * 10_007 + n);
  const board = createButtonBoard(world.dsm);
  const client = { world, ledger, pauseMs, isOver };
  const nc = await connectTo({ url: world.brokerUrl, token: world.natsToken });
  const api = createCoreApiClient(
    world.cores.map(({ url }) => url),
    world.apiKey,
  );
  const people = [
    ...userIds.map((userId) =>
      runPerson({ ...client, dsm: world.dsm, board, userId, random: random(userId) }),
    ),
    runHttpClient({ ...client, random: random(1_001) }, 1),
    runHttpClient({ ...client, random: random(1_002) }, 2),
    runNatsClient({ ...client, random: random(1_003) }, nc),
    runUnauthorizedClient({ ...client, random: random(1_004) }),
    runScheduleClient({ ...client, random: random(1_005) }, api, userIds),
  ];
  let open = 0;
  let calmAt = 0;
  // After the last fault, partitions move back to their workers.
  const settleMs = world.isCluster ? 3 * clusterTiming.goneAfterMs : 0;
  const calm = setInterval(() => {
    ledger.isCalm = open === 0 && performance.now() >= calmAt;
  }, 10);
  const lanes = faultTracks.map((lane, index) =>
    runFaultTrack({
      world,
      faults: faults.filter((one) => one.track === lane),
      random: random(2_000 + index),
      gapMs,
      isOver: isTime,
      onStrike({ name }, isBegun) {
        open += isBegun ? 1 : -1;
        ledger.isCalm = false;
        calmAt = performance.now() + settleMs;
        if (!isBegun) return;
        strikes[name] = (strikes[name] ?? 0) + 1;
        say(`  ${name}`);
      },
    }),
  );
  await Promise.all(lanes);
  isBlowing = false;
  await Promise.all(people);
  clearInterval(calm);
  await nc.close();
  board.close();
}

const faultsFor = (world: ChaosEnvironment, only: readonly string[]): StormFault[] =>
  stormFaults.filter(
    (one) =>
      one.isPossible(world) && (only.length === 0 || only.some((name) => isNamed(one, name))),
  );
