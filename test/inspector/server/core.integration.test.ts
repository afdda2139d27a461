/** The inspector in a whole core, with real gates. */
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { draw } from '#cli/draw';
import { chartsFolder } from '#inspector/charts/charts';
import { direct, openCore, type CoreFixture } from '#test/support/core';
import { stalls } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';

let fixture: CoreFixture;
beforeEach(async () => {
  fixture = await openCore();
});
afterEach(() => fixture.close());

interface Told {
  type: string;
  ok?: boolean;
  gates?: { id: string; gate: { running: unknown[] } }[];
}

test('the inspector of a whole core replays a job, shows its gate, and closes the socket at a restart', async () => {
  fixture.small.script(direct('안녕하세요'), stalls());
  const { jobId } = await fixture.ask('안녕, 넌 누구야?');
  const socket = new WebSocket(`${fixture.core.url.replace('http', 'ws')}/inspect/ws`, [
    'gatehouse.v1',
  ]);
  const told: Told[] = [];
  socket.on('message', (data) => told.push(JSON.parse(String(data)) as Told));
  await once(socket, 'open');
  socket.send(JSON.stringify({ type: 'gatehouse.watch', jobId }));
  await until(() => told.some(({ type }) => type === 'gatehouse.check'));
  expect(told.find(({ type }) => type === 'gatehouse.check')).toMatchObject({ ok: true });
  await fixture.client.submit({ message: '잘 지내?' });
  await until(() => fixture.small.open === 1);
  socket.send(JSON.stringify({ type: 'gatehouse.gates', on: true }));
  await until(() => told.some(({ type }) => type === 'gatehouse.gates'));
  const { gates = [] } = told.find(({ type }) => type === 'gatehouse.gates')!;
  expect(gates.map(({ id, gate }) => [id, gate.running.length])).toEqual([
    ['small', 1],
    ['large', 0],
  ]);
  const closed = once(socket, 'close');
  await fixture.restart();
  await closed;
  expect((await fetch(`${fixture.core.url}/inspect`)).status).toBe(200);
});

test('the inspector of a core without API keys refuses data to a page of another site', async () => {
  const answer = await fetch(`${fixture.core.url}/inspect/api/jobs`, {
    headers: { origin: 'http://evil.example' },
  });
  expect(answer.status).toBe(401);
});

test('gatehouse draw writes the charts into the given folder', async () => {
  const folder = join(fixture.folder, 'charts');
  await draw(folder);
  expect(readdirSync(folder).sort()).toEqual(readdirSync(chartsFolder).sort());
  for (const name of readdirSync(folder)) {
    expect(readFileSync(join(folder, name))).toEqual(readFileSync(join(chartsFolder, name)));
  }
});
