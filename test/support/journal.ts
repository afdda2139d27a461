/**
 * A real journal on a real SQLite file, with effects whose results the test supplies: `started` lists the running
 * effects, `answer` ends one. It needs no clock: `until` checks after every turn of the event loop.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StateEvent } from '#shared/wire/state-event';
import type { EffectCall, EffectResult, Effects } from '#jobs/runtime/effect-port';
import { createJournal, type Journal, type JournalOptions } from '#jobs/runtime/journal';
import type { EventLogRow } from '#events/event-log-port';
import { createEventLogStore } from '#events/store/event-log-store';
import { createLiveHub, type LiveHub } from '#jobs/runtime/live-hub';
import { noFaultInjection } from '#shared/fault-points';
import { silentLog } from '#shared/log';
import { openDatabase, type Database } from '#storage/database';
import type { SameTick } from '#shared/maybe-promise';
import { createJobQueries, type JobQueries } from '#jobs/store/job-queries';
import type { JobStorage } from '#jobs/job-store-port';
import { createJobStore } from '#jobs/store/job-store';
import { jobInput } from './jobs.ts';

export interface PendingCall extends EffectCall {
  src: string;
  resolve(result: EffectResult): void;
}

/** A journal on any database. */
export interface OpenJournal {
  journal: Journal;
  storage: JobStorage;
  hub: LiveHub;
  /** The running effects, in the order of their start. */
  started: PendingCall[];
  /** The keys of all effects that were ever started. */
  everStarted: string[];
  events: StateEvent[];
  submit(change?: Partial<Parameters<typeof jobInput>[0]>, key?: string): Promise<string>;
  answer(jobId: string, src: string, result: unknown): Promise<void>;
  fail(jobId: string, src: string): Promise<void>;
  /** Runs a statement on the database, for damage that the stores do not make. */
  run(sql: string): Promise<void>;
  /** The stored events, as those that publish them read them. */
  storedEvents(): Promise<EventLogRow[]>;
  /** Ends the journal as a crash would: nothing is written any more. */
  close(): Promise<void>;
}

export interface JournalFixture extends OpenJournal {
  storage: SameTick<JobStorage>;
  queries: JobQueries;
  database: Database;
  path: string;
}

/** What a journal of the tests is opened on. */
export type JournalDatabase = Pick<OpenJournal, 'storage' | 'run' | 'storedEvents' | 'close'>;

export interface FixtureOptions extends Partial<JournalOptions> {
  path?: string;
  wrapStorage?: (storage: JobStorage) => JobStorage;
}

const srcs = ['admit', 'classify', 'runTools', 'word', 'revise', 'execute', 'reason', 'answer'];

export function scratchFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'gatehouse-test-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

let nextJob = 0;

export async function openJournal(
  options: FixtureOptions & { path: string },
): Promise<JournalFixture> {
  const database = await openDatabase({ path: options.path });
  const storage = createJobStore(database);
  const opened = openJournalOn(
    {
      storage,
      run: async (text) => void database.connection.exec(text),
      storedEvents: async () => createEventLogStore(database).after(0, 100).rows,
      close: () => database.close(),
    },
    options,
  );
  const { path } = options;
  return { ...opened, storage, queries: createJobQueries(database), database, path };
}

export function openJournalOn(
  { storage, run, storedEvents, close }: JournalDatabase,
  options: FixtureOptions,
): OpenJournal {
  const hub = options.hub ?? createLiveHub();
  const started: PendingCall[] = [];
  const everStarted: string[] = [];
  const events: StateEvent[] = [];
  hub.subscribe(null, { event: (event) => void events.push(event), token: () => undefined });

  const byHand = (src: string) => ({
    run: (call: EffectCall) =>
      new Promise<EffectResult>((resolve) => {
        everStarted.push(call.key);
        const pending: PendingCall = { ...call, src, resolve };
        started.push(pending);
        call.signal.addEventListener('abort', () => remove(started, pending));
      }),
  });
  const effects: Effects = {
    ...Object.fromEntries(srcs.map((src) => [src, byHand(src)])),
    execute: { ...byHand('execute'), writes: true },
    admit: {
      isScheduled: true,
      run: () => ({ ok: true, output: { now: '2026-11-18T09:00:00+09:00', decision: null } }),
    },
    ...options.effects,
  };
  const journal = createJournal({
    storage: options.wrapStorage?.(storage) ?? storage,
    hub,
    clock: options.clock ?? { now: () => Date.now() },
    log: silentLog(),
    faults: noFaultInjection,
    maxConcurrent: 100,
    maxQueued: 100,
    heartbeatMs: 60_000,
    ...options,
    effects,
  });

  const end = async (jobId: string, src: string, result: EffectResult): Promise<void> => {
    await until(() => started.some((call) => call.jobId === jobId && call.src === src));
    const call = started.find((one) => one.jobId === jobId && one.src === src)!;
    remove(started, call);
    call.resolve(result);
    await yieldToEventLoop();
  };

  return {
    journal,
    storage,
    hub,
    run,
    storedEvents,
    started,
    everStarted,
    events,
    async submit(change = {}, key) {
      nextJob += 1;
      const input = jobInput({ jobId: `job-${nextJob}`, ...change });
      const { jobId } = await journal.submit({
        input,
        conversation: `${input.channel}:${input.userId}`,
        idempotencyKey: key ?? null,
      });
      return jobId;
    },
    answer: (jobId, src, output) => end(jobId, src, { ok: true, output }),
    fail: (jobId, src) =>
      end(jobId, src, {
        ok: false,
        failure: { code: 'GH_BACKEND_UNAVAILABLE', message: 'refused' },
      }),
    async close() {
      await journal.stop(0);
      await close();
    },
  };
}

function remove<Item>(list: Item[], item: Item): void {
  const index = list.indexOf(item);
  if (index >= 0) list.splice(index, 1);
}

export const yieldToEventLoop = (): Promise<void> =>
  new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

/** Waits for a condition, checks after every turn of the event loop, for 10 s at most. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  limitMs = 10_000,
): Promise<void> {
  const deadline = Date.now() + limitMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`never came true: ${condition.toString()}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}
