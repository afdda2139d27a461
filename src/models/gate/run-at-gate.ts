/**
 * Runs work in a slot of a gate. Its callers see neither permits nor their ends. A function, not a method of `Gate`: an
 * implementation supplies `acquire` only, and this loop stands once.
 *
 * 1. It waits for a slot, or returns the gate's refusal.
 * 2. It starts the work and ends the permit exactly once: released when the server is done with the request, drained
 *    when the connection was closed while the server was working. An abort of the slot starts its drain in the same
 *    tick, even before the connection has closed.
 * 3. After a preemption it waits again at the old position, if the caller wants to.
 */
import type { AcquireResult, Gate, GateRequest, Permit, PermitEnd } from './gate-types.ts';

/** What the work may know of its slot; `signal` aborts it (gate-types.ts, `Permit`). */
export type GrantedSlot = Pick<Permit, 'signal' | 'queuedMs' | 'wireFence' | 'adopt'>;

export interface SlotWork<Value> {
  /** Resolves when the connection has ended. Rejects only with a bug of the caller. */
  response: Promise<Value>;
  /** How the request ended; `abandoned`: we closed the connection while the server was working. */
  endOf(value: Value): PermitEnd | 'abandoned';
  /** Resolves when the server is probably done with an abandoned request. Never rejects. */
  serverIdle(): Promise<void>;
}

export interface SlotResult<Value> {
  ok: true;
  value: Value;
  slot: GrantedSlot;
}

/** @param waitsAgain called with the value of a preempted run; true: the request waits again */
export async function runAtGate<Value>(
  gate: Gate,
  request: GateRequest,
  start: (slot: GrantedSlot) => SlotWork<Value>,
  waitsAgain: (value: Value) => boolean = () => false,
): Promise<SlotResult<Value> | Extract<AcquireResult, { ok: false }>> {
  let acquired = await gate.acquire(request);
  while (acquired.ok) {
    const { permit } = acquired;
    const value = await holdPermit(permit, start(permit));
    const isPreempted = permit.signal.aborted && permit.signal.reason === 'preempted';
    if (!isPreempted || !waitsAgain(value)) return { ok: true, value, slot: permit };
    acquired = await permit.requeue();
  }
  return acquired;
}

async function holdPermit<Value>(permit: Permit, work: SlotWork<Value>): Promise<Value> {
  const { signal } = permit;
  const drain = (): void => permit.drain(work.serverIdle());
  if (signal.aborted) drain();
  signal.addEventListener('abort', drain, { once: true });
  try {
    const value = await work.response;
    if (!signal.aborted) {
      const end = work.endOf(value);
      if (end === 'abandoned') drain();
      else permit.release(end);
    }
    return value;
  } catch (bug) {
    if (!signal.aborted) drain();
    throw bug;
  } finally {
    signal.removeEventListener('abort', drain);
  }
}
