/** Work in a slot of a gate: each permit is ended exactly once, whatever the work and the gate do. */
import { describe, expect, test } from 'vitest';
import type { AcquireResult, Gate, GateRequest, Permit } from '#models/gate/gate-types';
import { runAtGate, type SlotWork } from '#models/gate/run-at-gate';

const request = { kind: 'reason' } as GateRequest;

/** A permit that records how it was ended. `requeued`: what the gate grants after a preemption. */
function permitOf(ends: string[], requeued?: AcquireResult): Permit & { abort(why: string): void } {
  const controller = new AbortController();
  return {
    fence: 1,
    queuedMs: 7,
    signal: controller.signal,
    abort: (why) => controller.abort(why),
    release: ({ result }) => void ends.push(`released ${result}`),
    drain: () => void ends.push('drained'),
    adopt: () => void ends.push('adopted'),
    requeue() {
      ends.push('requeued');
      return Promise.resolve(requeued!);
    },
  };
}

const gateOf = (result: AcquireResult): Gate => ({
  id: 'g',
  acquire: () => Promise.resolve(result),
});

const workOf = <Value>(
  response: Promise<Value>,
  endOf: SlotWork<Value>['endOf'] = () => ({ result: 'ok' }),
): SlotWork<Value> => ({ response, endOf, serverIdle: () => Promise.resolve() });

describe('work in a slot of a gate', () => {
  test('releases the permit with the end of its response', async () => {
    const ends: string[] = [];
    const ran = await runAtGate(gateOf({ ok: true, permit: permitOf(ends) }), request, () =>
      workOf(Promise.resolve('answer'), () => ({ result: 'unreachable' })),
    );
    expect(ran).toMatchObject({ ok: true, value: 'answer', slot: { queuedMs: 7 } });
    expect(ends).toEqual(['released unreachable']);
  });

  test('drains the permit of a request that was abandoned', async () => {
    const ends: string[] = [];
    await runAtGate(gateOf({ ok: true, permit: permitOf(ends) }), request, () =>
      workOf(Promise.resolve('half'), () => 'abandoned'),
    );
    expect(ends).toEqual(['drained']);
  });

  test('drains an aborted permit in the same tick, and does not release it afterwards', async () => {
    const ends: string[] = [];
    const permit = permitOf(ends);
    const answer = Promise.withResolvers<string>();
    const running = runAtGate(gateOf({ ok: true, permit }), request, () => workOf(answer.promise));
    await Promise.resolve();
    permit.abort('cancelled');
    expect(ends).toEqual(['drained']);
    answer.resolve('late');
    await running;
    expect(ends).toEqual(['drained']);
  });

  test('drains a permit that was aborted before the caller received it', async () => {
    const ends: string[] = [];
    const permit = permitOf(ends);
    permit.abort('cancelled');
    await runAtGate(gateOf({ ok: true, permit }), request, () => workOf(Promise.resolve('none')));
    expect(ends).toEqual(['drained']);
  });

  test('drains the permit if the work throws, and throws on', async () => {
    const ends: string[] = [];
    const running = runAtGate(gateOf({ ok: true, permit: permitOf(ends) }), request, () =>
      workOf(Promise.reject(new Error('a bug'))),
    );
    await expect(running).rejects.toThrow('a bug');
    expect(ends).toEqual(['drained']);
  });

  test('runs again after a preemption if the caller wants to wait again', async () => {
    const ends: string[] = [];
    const second = permitOf(ends);
    const first = permitOf(ends, { ok: true, permit: second });
    let runs = 0;
    const ran = await runAtGate(
      gateOf({ ok: true, permit: first }),
      request,
      () => {
        runs += 1;
        if (runs === 1) first.abort('preempted');
        return workOf(Promise.resolve(`run ${runs}`));
      },
      (value) => value === 'run 1',
    );
    expect(ran).toMatchObject({ ok: true, value: 'run 2', slot: second });
    expect(ends).toEqual(['drained', 'requeued', 'released ok']);
  });

  test('returns the value of a preempted run if the caller does not wait again', async () => {
    const ends: string[] = [];
    const permit = permitOf(ends);
    const ran = await runAtGate(gateOf({ ok: true, permit }), request, () => {
      permit.abort('preempted');
      return workOf(Promise.resolve('half'));
    });
    expect(ran).toMatchObject({ ok: true, value: 'half' });
    expect(ends).toEqual(['drained']);
  });

  test('does not start if the gate refuses the request', async () => {
    const refusal: AcquireResult = { ok: false, errorReason: 'queue_full', retryAfterMs: 9 };
    const ran = await runAtGate(gateOf(refusal), request, () => {
      throw new Error('started');
    });
    expect(ran).toEqual(refusal);
  });
});
