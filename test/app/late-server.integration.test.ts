/** A model server that starts while the practice model answers, and a discovered server that goes away. */
import { expect, onTestFinished, test } from 'vitest';
import { openCore, type CoreFixture } from '#test/support/core';
import { startFakeLlm, type FakeLlm } from '#test/support/fake-llm';
import { says, saysJson } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';

async function practiceCore(): Promise<{ fixture: CoreFixture; server: FakeLlm }> {
  const models = { body: { data: [{ id: 'm' }] } };
  const server = await startFakeLlm({ pages: { '/v1/models': models, '/health': { body: {} } } });
  onTestFinished(() => server.close());
  await server.refuse();
  const fixture = await openCore(
    { backends: [], roles: {} },
    { discoveryPorts: [Number(new URL(server.baseUrl).port)], discoveryEveryMs: 10 },
  );
  onTestFinished(() => fixture.close());
  return { fixture, server };
}

interface BackendEntry {
  id: string;
  origin: string;
  roles: string[];
}

const backendsOf = async ({ core }: CoreFixture): Promise<BackendEntry[]> =>
  ((await (await fetch(`${core.url}/backends`)).json()) as { backends: BackendEntry[] }).backends;

test('a model server that starts later is discovered, becomes the only backend, and answers', async () => {
  const { fixture, server } = await practiceCore();
  expect(fixture.core.pool.origin).toBe('practice');
  expect((await fixture.ask('왜 하늘은 파래?')).end.data['reply']).toContain('연습용');

  await server.listen();
  await until(() => fixture.core.pool.origin === 'discovered');
  const listed = await backendsOf(fixture);
  expect(listed).toHaveLength(1);
  expect(listed[0]).toMatchObject({ origin: 'discovered' });
  expect(listed[0]!.roles).toContain('classifier');
  server.script(saysJson({ action: 'route' }), says('진짜 답'));
  expect((await fixture.ask('왜 바다는 파래?')).end.data['reply']).toBe('진짜 답');
  expect(server.requests).toHaveLength(2);
});

test('a job that runs at the practice model when a server is discovered is still answered', async () => {
  const { fixture, server } = await practiceCore();
  const running = fixture.ask('상대성 이론을 자세히 설명해줘');
  await until(() => fixture.core.pool.members[0]!.gate.view().running.length > 0);
  await server.listen();
  await until(() => fixture.core.pool.origin === 'discovered');
  server.script(says('진짜 답'));
  const { end } = await running;
  expect(end.data['outcome']).toBe('answered');
});

test('a discovered server that goes away makes /readyz a 503, and the practice model does not replace it', async () => {
  const { fixture, server } = await practiceCore();
  await server.listen();
  await until(() => fixture.core.pool.origin === 'discovered');
  const [member] = fixture.core.pool.members;
  await until(() => member!.health.store.getSnapshot().context.healthy === true);
  await server.refuse();
  await member!.health.check();
  const response = await fetch(`${fixture.core.url}/readyz`);
  expect(response.status).toBe(503);
  expect(await response.json()).toMatchObject({
    ready: false,
    reasons: [`backend ${member!.config.id}: does not answer`],
    parts: { backends: 'discovered' },
  });
  expect(fixture.core.pool.origin).toBe('discovered');
});
