/**
 * Gatehouse without models: a real journal over a real database, the real job service, and messaging. The message
 * determines the job: `think …` streams a long answer, `draft …` waits for a confirmation, any other message is
 * answered at once.
 */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { createFairSlices } from '#shared/fair-slices';
import { createJobService } from '#jobs/service/job-service';
import type { JobService } from '#shared/wire/job-service';
import type { EffectCall, EffectResult, Effects } from '#jobs/runtime/effect-port';
import { createJournal, type Journal } from '#jobs/runtime/journal';
import { createLiveHub, type LiveHub } from '#jobs/runtime/live-hub';
import { noFaultInjection, type FaultInjector } from '#shared/fault-points';
import { createIdSource } from '#shared/ids';
import { silentLog } from '#shared/log';
import { createMessaging } from '#events/messaging';
import type { Messaging, MessagingConfig, MessagingOptions } from '#events/messaging-port';
import { openDatabase, type Database } from '#storage/database';
import { createJobQueries } from '#jobs/store/job-queries';
import { createJobStore } from '#jobs/store/job-store';
import { createDeliveryStore, createEventLogStore } from '#events/store/event-log-store';
import { effectOutputs, limits } from '#test/support/jobs';

export interface MessagingFixture {
  database: Database;
  journal: Journal;
  hub: LiveHub;
  jobService: JobService;
  outbox: ReturnType<typeof createEventLogStore>;
  deliveries: ReturnType<typeof createDeliveryStore>;
  messaging: Messaging;
  /** By job id of a `think` job: streams a piece of its answer; null ends the answer. */
  pieces: Map<string, (piece: string | null) => void>;
  close(): Promise<void>;
}

/** The doors of schedules are tested with a whole core. */
const noSchedules = {} as MessagingOptions['schedules'];

export interface MessagingFixtureOptions {
  path: string;
  config: Partial<MessagingConfig>;
  faults?: FaultInjector;
  maxQueued?: number;
  confirmTtlMs?: number;
  jobService?: (jobService: JobService) => JobService;
  messaging?: Partial<MessagingOptions>;
  /** Shorter than in production, so that tests of outages are fast. */
  timings?: MessagingOptions['timings'];
}

export const natsConfig = (parts: Partial<MessagingConfig>): MessagingConfig => ({
  mode: 'external',
  url: null,
  prefix: 'gatehouse.v1',
  user: null,
  password: null,
  token: null,
  credsFile: null,
  ...parts,
});

export async function openMessagingFixture(
  options: MessagingFixtureOptions,
): Promise<MessagingFixture> {
  mkdirSync(dirname(options.path), { recursive: true });
  const database = await openDatabase({ path: options.path });
  const storage = createJobStore(database);
  const outbox = createEventLogStore(database);
  const deliveries = createDeliveryStore(database);
  const hub = createLiveHub();
  const pieces: MessagingFixture['pieces'] = new Map();
  const clock = { now: () => Date.now() };
  const journal = createJournal({
    storage,
    effects: effectsOf(pieces),
    hub,
    clock,
    log: silentLog(),
    faults: noFaultInjection,
    maxConcurrent: 1_000,
    maxQueued: options.maxQueued ?? 100_000,
    heartbeatMs: 60_000,
  });
  const realDoor = createJobService({
    slices: createFairSlices(),
    journal,
    storage,
    queries: createJobQueries(database),
    hub,
    clock,
    nextId: createIdSource(),
    messageMaxChars: 8_000,
    limits: { ...limits, confirmTtlMs: options.confirmTtlMs ?? limits.confirmTtlMs },
    locale: 'auto',
    parseDraftReply: (message) =>
      message === 'yes' ? { type: 'confirm' } : message === 'no' ? { type: 'reject' } : null,
  });
  const jobService = options.jobService?.(realDoor) ?? realDoor;
  const messaging = createMessaging({
    config: natsConfig(options.config),
    jobService,
    schedules: noSchedules,
    outbox,
    live: hub,
    deliveries,
    log: silentLog(),
    faults: options.faults ?? noFaultInjection,
    channels: ['synology'],
    dataFolder: dirname(options.path),
    timings: { retryMs: 10, retryMsMax: 200, auditMs: 300, ...options.timings },
    ...options.messaging,
  });
  await journal.resume();
  messaging.start();
  return {
    database,
    journal,
    hub,
    jobService,
    outbox,
    deliveries,
    messaging,
    pieces,
    async close() {
      await journal.stop(0);
      await messaging.stop();
      await database.close();
    },
  };
}

const ok = (output: unknown): EffectResult => ({ ok: true, output });

function effectsOf(pieces: MessagingFixture['pieces']): Effects {
  const decide = (message: string): unknown => {
    const by = 'classifier';
    if (message.startsWith('think')) return { by, action: 'route' };
    if (message.startsWith('draft')) {
      return { by, action: 'tools', calls: [{ tool: 'calendar', operation: 'x', params: {} }] };
    }
    return { by, action: 'direct', response: `answer to ${message}` };
  };
  const stream = ({ report, jobId }: EffectCall): Promise<EffectResult> =>
    new Promise((resolve) => {
      let text = '';
      pieces.set(jobId, (piece) => {
        if (piece === null) resolve(ok({ text, backend: 'large' }));
        else report.text((text += piece) && piece, false);
      });
    });
  return {
    admit: {
      isScheduled: true,
      run: () => ok({ now: '2026-11-18T09:00:00+09:00', decision: null }),
    },
    classify: {
      run: async ({ input }) => {
        const { message } = input as { message: string };
        await Promise.resolve();
        return ok({ decision: decide(message), backend: 'small' });
      },
    },
    runTools: { run: () => ok(effectOutputs['runTools']![2]) },
    execute: { run: () => ok(effectOutputs['execute']![0]) },
    reason: { run: stream },
    answer: { run: () => ok({ text: 'short answer', backend: 'small' }) },
  };
}
