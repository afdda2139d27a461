/** A minimal gate for tests of backends: one slot, first in first out, preemption only by `preempt()`. */
import type { Gate, AcquireResult, GateRequest, Permit, PermitEnd } from '#models/gate/gate-types';

export interface OneSlotGate extends Gate {
  /** How each permit ended, in order. */
  readonly ends: (PermitEnd['result'] | 'drained')[];
  /** Aborts the permit in use as preempted; its `requeue` goes to the front of the queue. */
  preempt(): void;
  /** Refuses every later request with this result. */
  refuse(acquireResult: Extract<AcquireResult, { ok: false }>): void;
}

export function createOneSlotGate(): OneSlotGate {
  const ends: OneSlotGate['ends'] = [];
  const waiting: (() => void)[] = [];
  let holder: AbortController | null = null;
  let refusal: AcquireResult | null = null;
  let fence = 0;

  function free(): void {
    holder = null;
    waiting.shift()?.();
  }

  function grant(request: GateRequest, resolve: (acquireResult: AcquireResult) => void): void {
    if (request.signal.aborted) {
      resolve({ ok: false, errorReason: 'cancelled', retryAfterMs: null });
      waiting.shift()?.();
      return;
    }
    const controller = new AbortController();
    holder = controller;
    const onCancel = (): void => controller.abort('cancelled');
    request.signal.addEventListener('abort', onCancel, { once: true });
    let ended = false;
    const end = (how: PermitEnd['result'] | 'drained'): boolean => {
      if (ended) return false;
      ended = true;
      ends.push(how);
      request.signal.removeEventListener('abort', onCancel);
      return true;
    };
    const permit: Permit = {
      fence: ++fence,
      queuedMs: 0,
      signal: controller.signal,
      release({ result }) {
        if (end(result)) free();
      },
      drain(drained) {
        if (end('drained')) void drained.then(free);
      },
      adopt() {},
      requeue: () => enqueue(request, 'front'),
    };
    resolve({ ok: true, permit });
  }

  function enqueue(request: GateRequest, queueEnd: 'front' | 'back'): Promise<AcquireResult> {
    if (refusal) return Promise.resolve(refusal);
    return new Promise((resolve) => {
      if (!holder) return grant(request, resolve);
      const start = (): void => grant(request, resolve);
      if (queueEnd === 'front') waiting.unshift(start);
      else waiting.push(start);
      request.onQueued({ position: waiting.length, ahead: waiting.length, etaMs: null });
    });
  }

  return {
    id: 'one-slot',
    ends,
    acquire: (request) => enqueue(request, 'back'),
    preempt: () => holder?.abort('preempted'),
    refuse: (acquireResult) => void (refusal = acquireResult),
  };
}
