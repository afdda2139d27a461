/** What the doctor, the start banner and `GET /` report about the running core. */
import { expect, onTestFinished, test } from 'vitest';
import { bannerOf } from '#cli/serve';
import { checkBackends } from '#doctor/backend-check';
import { openCore } from '#test/support/core';

async function practiceCore(server: Record<string, unknown> = {}) {
  const fixture = await openCore(
    { backends: [], roles: {}, server: { port: 0, ...server } },
    { discoveryPorts: [] },
  );
  onTestFinished(() => fixture.close());
  const port = Number(new URL(fixture.core.url).port);
  const config = { ...fixture.config, server: { ...fixture.config.server, port } };
  return { fixture, config };
}

test('the doctor reports the backend that the running core uses, not the result of a discovery of its own', async () => {
  const { config } = await practiceCore();
  expect(await checkBackends(config, true)).toEqual([
    expect.objectContaining({
      ok: true,
      what: 'the running core has found no model server: the practice model answers',
    }),
  ]);
});

test('the start banner has four lines: address, inspector, model that answers, what is missing', async () => {
  const { fixture, config } = await practiceCore();
  const lines = bannerOf(fixture.core, config).split('\n');
  expect(lines).toHaveLength(5);
  expect(lines[0]).toContain(fixture.core.url);
  expect(lines[1]).toContain(`${fixture.core.url}/inspect`);
  expect(lines[2]).toContain('practice model');
  expect(lines[3]).toContain('a model server');
});

test('GET / redirects a browser to the inspector and returns only paths to a program', async () => {
  const { fixture } = await practiceCore({ apiKeys: ['a-key-of-the-test-that-is-long'] });
  const browser = await fetch(fixture.core.url, {
    redirect: 'manual',
    headers: { accept: 'text/html,application/xhtml+xml' },
  });
  expect([browser.status, browser.headers.get('location')]).toEqual([302, '/inspect']);
  const program = await fetch(fixture.core.url);
  expect(program.status).toBe(200);
  expect(await program.json()).toEqual({
    service: 'gatehouse',
    inspector: '/inspect',
    health: '/healthz',
  });
});
