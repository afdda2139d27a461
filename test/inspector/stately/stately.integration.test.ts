/** The official clients of Stately on the inspector socket. */
import {
  createWebSocketInspector,
  createWebSocketReceiver,
  type StatelyInspectionEvent,
} from '@statelyai/inspect';
import { createActor, createMachine } from 'xstate';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { until } from '#test/support/journal';
import { openInspector, type InspectorFixture } from '../inspector-fixture.ts';

let fixture: InspectorFixture;
beforeEach(async () => {
  fixture = await openInspector();
});
afterEach(() => fixture.close());

const address = (): string => `${fixture.url.replace('http', 'ws')}/inspect/ws`;

function receive(): StatelyInspectionEvent[] {
  const heard: StatelyInspectionEvent[] = [];
  createWebSocketReceiver({ server: address() }).subscribe((event) => void heard.push(event));
  return heard;
}

test('createWebSocketReceiver gets the snapshots of a job from first to last, in order', async () => {
  const heard = receive();
  await until(() => fixture.listeners() === 1);
  const jobId = await fixture.send('왜 하늘은 파래?');
  await fixture.finish(jobId, '산란');
  await until(() => heard.some((event) => 'snapshot' in event && statusOf(event) === 'done'));
  expect(heard[0]).toMatchObject({
    type: '@xstate.actor',
    sessionId: jobId,
    name: `job/${jobId}`,
    snapshot: { value: 'ack' },
  });
  expect(JSON.parse((heard[0] as { definition: string }).definition)).toMatchObject({ id: 'job' });
  const values = heard
    .filter(({ type }) => type === '@xstate.snapshot')
    .map((event) => (event as unknown as { snapshot: { value: unknown } }).snapshot.value);
  expect(values).toEqual(['ack', { classify: 'running' }, { reason: 'running' }, 'done']);
});

const statusOf = (event: StatelyInspectionEvent): unknown =>
  (event as unknown as { snapshot: { status: string } }).snapshot.status;

test('messages of createWebSocketInspector reach the inspector page and the receivers', async () => {
  const page = new WebSocket(address(), ['gatehouse.v1']);
  const told: string[] = [];
  page.on('message', (data) => told.push(String(data)));
  page.on('open', () => page.send(JSON.stringify({ type: 'gatehouse.guests', on: true })));
  const heard = receive();
  await until(() => fixture.listeners() === 1 && told.length > 0);
  const machine = createMachine({
    id: 'lamp',
    initial: 'off',
    states: { off: { on: { press: 'on' } }, on: {} },
  });
  const inspector = createWebSocketInspector({ url: address() });
  const actor = createActor(machine, { inspect: inspector.inspect }).start();
  actor.send({ type: 'press' });
  await until(() =>
    told.some((text) => text.includes('"gatehouse.guest"') && text.includes('press')),
  );
  await until(() => heard.some((event) => JSON.stringify(event).includes('press')));
  inspector.stop();
  page.terminate();
});

test('a receiver with the protocol gatehouse.redacted gets no texts', async () => {
  const socket = new WebSocket(address(), ['gatehouse.redacted']);
  const heard: string[] = [];
  socket.on('message', (data) => heard.push(String(data)));
  await until(() => fixture.listeners() === 1);
  const jobId = await fixture.send('비밀스러운 질문');
  await fixture.finish(jobId, '비밀스러운 답');
  await until(() => heard.some((text) => text.includes('"done"') && text.includes('snapshot')));
  expect(heard.join()).not.toContain('비밀');
  socket.terminate();
});
