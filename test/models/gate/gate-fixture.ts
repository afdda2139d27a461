/** A gate under virtual time for the tests of single behaviours, stopped after each test. */
import { afterEach } from 'vitest';
import { GateActor } from '#models/gate/gate';
import type { GateOptions } from '#models/gate/gate-options';
import type { AcquireResult, GateRequest, Permit } from '#models/gate/gate-types';
import type { QueuePosition } from '#machines/job-types';
import { flushPromises } from './gate-world.ts';
import { VirtualTime } from './virtual-time.ts';

const opened: GateActor[] = [];

afterEach(() => {
  for (const gate of opened.splice(0)) gate.stop();
});

export interface AcquireHandle {
  result: Promise<AcquireResult>;
  /** The queue positions reported to it, in order. */
  positions: QueuePosition[];
  cancel: () => void;
  /** The result of `acquire`; null while it is pending. */
  currentResult: () => Promise<AcquireResult | null>;
  /** The permit; throws when there is none yet. */
  permit: () => Promise<Permit>;
}

export function setUp(options: Partial<GateOptions> = {}) {
  const time = new VirtualTime();
  const probes: ((ok: boolean) => void)[] = [];
  const gate = new GateActor({
    id: 'test',
    concurrency: 1,
    clock: time,
    timers: time,
    probe: () => new Promise((resolve) => probes.push(resolve)),
    ...options,
  });
  opened.push(gate);

  const ask = (more: Partial<GateRequest> = {}): AcquireHandle => {
    const controller = new AbortController();
    const positions: QueuePosition[] = [];
    const answer = gate.acquire({
      kind: 'reason',
      priority: 'foreground',
      user: 'ann',
      preemptible: false,
      signal: controller.signal,
      deadlineAt: null,
      onQueued: (position) => positions.push(position),
      ...more,
    });
    const given: AcquireResult[] = [];
    void answer.then((value) => given.push(value));
    const now = async () => {
      await flushPromises();
      return given[0] ?? null;
    };
    const permit = async () => {
      const given = await now();
      if (!given?.ok) throw new Error(`no permit: ${JSON.stringify(given)}`);
      return given.permit;
    };
    return {
      result: answer,
      positions,
      cancel: () => controller.abort(),
      currentResult: now,
      permit,
    };
  };
  const askBackground = (more: Partial<GateRequest> = {}) =>
    ask({ priority: 'background', kind: 'draft', user: 'drafts', preemptible: true, ...more });
  return { gate, time, probes, ask, askBackground };
}

/** Waits until the current turn of the event loop has ended, with all its notifications. */
export const yieldToEventLoop = (): Promise<void> =>
  new Promise((resolve) => setImmediate(resolve));

/** A promise with its resolve and reject functions. */
export function deferred() {
  let resolve = (): void => {};
  let reject = (): void => {};
  const promise = new Promise<void>((yes, no) => {
    resolve = yes;
    reject = () => no(new Error('the connection broke'));
  });
  return { promise, resolve, reject };
}
