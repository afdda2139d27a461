import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { silentLog } from '#shared/log';
import { createRegistryWith, demoTool } from './demo-tool.ts';
import { createToolRegistry } from '#tools/registry';
import { readOperation } from '#tools/tool';
import { contextOf } from './tool-context.ts';

const call = (operation: string, params: Record<string, unknown> = {}) => ({
  tool: 'demo',
  operation,
  params,
});

describe('the tool registry', () => {
  test('returns the results in the order of the calls, each with a summary', async () => {
    const { registry } = createRegistryWith();
    const report = await registry.run([call('slow'), call('echo', { query: '가' })], contextOf());
    expect(report.results.map(({ ok, summary }) => [ok, summary])).toEqual([
      [true, 'slow'],
      [true, '가'],
    ]);
    expect(report.draft).toBeNull();
  });

  test('answers a call of an unknown tool or operation with an error code', async () => {
    const { registry } = createRegistryWith();
    const calls = [
      call('nothing'),
      { tool: 'shell', operation: 'run', params: {} },
      call('toString'),
    ];
    const { results } = await registry.run(calls, contextOf());
    expect(results.map((result) => result.error?.code)).toEqual(Array(3).fill('GH_TOOL_UNKNOWN'));
    expect(results.every((result) => !result.ok && result.summary !== '')).toBe(true);
  });

  test('does not run an operation that writes', async () => {
    const { registry, written } = createRegistryWith();
    const { results, draft } = await registry.run([call('write', { title: 'x' })], contextOf());
    expect(results[0]?.error?.code).toBe('GH_TOOL_UNKNOWN');
    expect(draft).toBeNull();
    expect(written).toEqual([]);
    expect(registry.describe().map((one) => one.operation)).not.toContain('write');
  });

  test('names invalid parameters in the language of the message', async () => {
    const { registry } = createRegistryWith();
    const ko = await registry.run([call('echo', { query: '  ' })], contextOf());
    expect(ko.results[0]?.error?.code).toBe('GH_TOOL_INPUT');
    expect(ko.results[0]?.summary).toContain('검색어');
    const en = await registry.run([call('echo')], contextOf({ locale: 'en' }));
    expect(en.results[0]?.summary).toContain('search words');
  });

  test('limits the failure of a tool that throws to its own call', async () => {
    const { registry } = createRegistryWith();
    const { results } = await registry.run(
      [call('broken'), call('echo', { query: '나' })],
      contextOf(),
    );
    expect(results.map((result) => result.error?.code ?? 'ok')).toEqual(['GH_TOOL_FAILED', 'ok']);
  });

  test('aborts a tool that does not end within its time limit, and reports a timeout', async () => {
    const { registry, aborted } = createRegistryWith({ toolTimeoutMs: 40 });
    const { results } = await registry.run([call('hang')], contextOf());
    expect(results[0]?.error?.code).toBe('GH_TOOL_TIMEOUT');
    expect(aborted).toEqual(['hang']);
  });

  test('ends a cancelled call even if the tool ignores the abort signal', async () => {
    const { registry } = createRegistryWith();
    const controller = new AbortController();
    const running = registry.run([call('hang')], contextOf({ signal: controller.signal }));
    controller.abort();
    expect((await running).results[0]?.ok).toBe(false);
  });

  test('limits the size of the data and of the summary of a result', async () => {
    const huge: unknown[] = Array.from({ length: 500 }, (_, n) => ({ n, text: '가'.repeat(100) }));
    const tool = {
      name: 'huge',
      operations: {
        list: readOperation({
          description: '',
          schema: z.object({}),
          run: () => Promise.resolve({ ok: true, data: { huge }, summary: '나'.repeat(50_000) }),
        }),
      },
    };
    const registry = createToolRegistry({ tools: [tool], log: silentLog() });
    const calls = [{ tool: 'huge', operation: 'list', params: {} }];
    const [result] = (await registry.run(calls, contextOf())).results;
    expect(JSON.stringify(result?.data).length).toBeLessThanOrEqual(2000);
    expect(result?.summary.length).toBeLessThanOrEqual(6000);
  });

  test('runs at most six calls of a question and refuses each further call', async () => {
    const { registry } = createRegistryWith();
    const calls = Array.from({ length: 9 }, () => call('echo', { query: 'x' }));
    const { results } = await registry.run(calls, contextOf());
    expect(results.map((result) => result.ok)).toEqual([
      ...Array(6).fill(true),
      false,
      false,
      false,
    ]);
  });

  test('adds the results of the other calls to a draft, and refuses a second draft by its title', async () => {
    const { registry } = createRegistryWith();
    const { draft, results } = await registry.run(
      [
        call('echo', { query: '오늘은 비어 있습니다' }),
        call('propose', { title: '치과' }),
        call('propose', { title: '미용실' }),
      ],
      contextOf(),
    );
    expect(draft).toMatchObject({ tool: 'demo', operation: 'write', params: { title: '치과' } });
    expect(draft?.summary).toContain('오늘은 비어 있습니다');
    expect(draft?.summary).toContain('치과?');
    expect(draft?.summary).toContain('‘미용실’');
    expect(results[2]?.error?.code).toBe('GH_TOOL_ONE_DRAFT');
  });

  test('makes a new draft from a valid change, and keeps the old draft with a reason after an invalid one', async () => {
    const { registry } = createRegistryWith();
    const first = { tool: 'demo', operation: 'write', params: { title: '치과' }, summary: '치과?' };
    const changed = await registry.revise(first, { title: '안과' }, contextOf());
    expect(changed).toEqual({ ...first, params: { title: '안과' }, summary: '안과?' });
    const same = await registry.revise(first, { title: 7 }, contextOf());
    expect(same.params).toEqual({ title: '치과' });
    expect(same.summary).toContain('제목');
    const again = await registry.revise(same, { title: 7 }, contextOf());
    expect(again.summary).toBe(same.summary);
  });

  test('writes a confirmed draft with its key, and executes only operations that write', async () => {
    const { registry, written } = createRegistryWith();
    const draft = { tool: 'demo', operation: 'write', params: { title: '치과' }, summary: '' };
    expect((await registry.execute(draft, contextOf({ key: 'k' }))).ok).toBe(true);
    expect(written).toEqual(['k 치과']);
    const reading = { ...draft, operation: 'echo' };
    expect((await registry.execute(reading, contextOf())).error?.code).toBe('GH_TOOL_UNKNOWN');
    const bad = { ...draft, params: {} };
    expect((await registry.execute(bad, contextOf())).error?.code).toBe('GH_TOOL_INPUT');
    expect(written).toHaveLength(1);
  });

  test('reports a write without an answer in time as uncertain, not as failed', async () => {
    const { registry } = createRegistryWith({ toolTimeoutMs: 40, hangsOnWrite: true });
    const draft = { tool: 'demo', operation: 'write', params: { title: 'x' }, summary: '' };
    const result = await registry.execute(draft, contextOf());
    expect(result.error?.code).toBe('GH_TOOL_UNCERTAIN');
    expect(result.summary).toContain('확인하지 못했습니다');
  });

  test('describes each operation that reads to the model, with a JSON schema', () => {
    const { registry } = createRegistryWith();
    const echo = registry.describe().find((one) => one.operation === 'echo');
    expect(echo).toMatchObject({ tool: 'demo', params: { type: 'object', required: ['query'] } });
  });

  test('refuses two tools of the same name', () => {
    const { tool } = demoTool();
    expect(() => createToolRegistry({ tools: [tool, tool], log: silentLog() })).toThrow(
      'same name',
    );
  });
});
