/** The selection of a backend (P9), and the report of the doctor about the gates of a running core. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { checkGates } from '#doctor/gate-check';
import { selectBackend } from '#models/backend-pool';
import { openCore, type CoreFixture } from '#test/support/core';
import { stalls } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';

let fixture: CoreFixture;
beforeEach(async () => {
  fixture = await openCore();
});
afterEach(() => fixture.close());

describe('P9: selectBackend', () => {
  test('returns the backend that the request names, whatever the role', () => {
    expect(selectBackend(fixture.core.pool, 'small', 'reasoner').id).toBe('small');
  });

  test('returns the backend of the role if the request names none', () => {
    expect(selectBackend(fixture.core.pool, null, 'reasoner').id).toBe('large');
    expect(selectBackend(fixture.core.pool, null, 'classifier').id).toBe('small');
  });

  test('returns a named backend that is down, and never another one instead', async () => {
    await fixture.large.refuse();
    await fixture.core.pool.find('large')!.health.check();
    expect(selectBackend(fixture.core.pool, 'large', 'ask').id).toBe('large');
  });

  test.each(['', 'LARGE', 'large ', 'gpt-4o'])('refuses the unknown backend %j', (name) => {
    expect(() => selectBackend(fixture.core.pool, name, 'ask')).toThrow(
      expect.objectContaining({ code: 'GH_BACKEND_UNKNOWN', status: 400 }),
    );
  });
});

describe('the doctor', () => {
  const look = () => {
    const { port } = new URL(fixture.core.url);
    const { config } = fixture;
    return checkGates({ ...config, server: { ...config.server, port: Number(port) } });
  };
  const ask = (signal: AbortSignal) =>
    fetch(`${fixture.core.url}/v1/chat/completions`, {
      method: 'POST',
      body: '{"model":"large","messages":[{"role":"user","content":"hello"}]}',
      signal,
    }).catch(() => null);

  test('reports the running request, the number of waiting requests and their times', async () => {
    const leaving = new AbortController();
    await ask(leaving.signal);
    fixture.large.script(stalls());
    const asked = [ask(leaving.signal), ask(leaving.signal)];
    const { gate } = fixture.core.pool.find('large')!;
    await until(() => gate.view().waiting.length === 1);
    const [small, large] = await look();
    expect(small).toEqual({ part: 'gate', ok: true, what: 'small: free' });
    expect(large?.what).toMatch(
      /^large: busy, a direct runs since \d+\.\d s, 1 wait, the last for about \d+\.\d s, usual times: direct \d+\.\d s$/,
    );
    leaving.abort();
    await Promise.all(asked);
  });

  test('reports a gate with an open circuit, with advice', async () => {
    await fixture.large.refuse();
    const { signal } = new AbortController();
    for (let n = 0; n < 3; n += 1) await ask(signal);
    const [, large] = await look();
    expect(large).toMatchObject({ ok: false, advice: expect.stringContaining('start the server') });
  });

  test('reports no gates if no core runs', async () => {
    await fixture.core.stop();
    expect(await look()).toEqual([]);
  });
});
