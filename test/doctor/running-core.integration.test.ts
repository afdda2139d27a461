/** What the doctor, the start banner and `GET /` report about the running core. */
import { expect, onTestFinished, test } from 'vitest';
import { bannerOf } from '#cli/serve';
import { checkBackends } from '#doctor/backend-check';
import { checkSchedules } from '#doctor/schedule-check';
import type { NewSchedule } from '#schedules/schedules';
import { openCore } from '#test/support/core';
import { until } from '#test/support/journal';
import { reminder } from '#test/support/schedules';

const daily = { rule: { cron: '0 9 * * *' } };

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

test('the doctor names the schedules whose chat is not configured, that reached nobody, and that were paused', async () => {
  const { fixture, config } = await practiceCore();
  expect(await checkSchedules(config)).toMatchObject([{ ok: true, what: 'none' }]);
  const { schedules } = fixture.core.schedules;
  const make = (change: Partial<NewSchedule> = {}) =>
    schedules.create(reminder({ ...daily, ...change }));
  const fine = await make({ channel: 'http' });
  expect(await checkSchedules(config)).toMatchObject([{ ok: true }]);
  const gone = await make();
  const rested = await make({ channel: 'http' });
  await schedules.pause(rested.id);
  const report = { seq: 0, status: 'dead' as const, error: 'no such chat' };
  const jobId = await schedules.runNow(fine.id);
  await until(async () => (await fixture.client.job(jobId)).outcome !== null);
  await fixture.core.schedules.followDelivery({
    ...report,
    jobId,
    seq: (await fixture.client.job(jobId)).seq,
  });
  const results = await checkSchedules(config);
  expect(results.map(({ ok }) => ok)).toEqual([false, false]);
  expect(results[0]!.what).toContain(gone.id);
  expect(results[0]!.what).toContain('synology is not configured');
  expect(results[1]!.what).toContain(
    `reached no channel of their people the last time: ${fine.id}`,
  );
});
