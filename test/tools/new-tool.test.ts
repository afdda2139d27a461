/** A new tool is one declaration and one entry in the list: everything else is derived from it. */
import { describe, expect, test } from 'vitest';
import { createOperationTable } from '#language/classification/model-operations';
import { toDecision } from '#language/classification/classification-decision';
import { parseClassification } from '#language/classification/parse-classification';
import {
  classificationSchemaOf,
  classifierMessages,
} from '#language/prompts/classification-prompt';
import { classify } from '#models/demo-model/demo-classifier';
import { parseDemoRequest } from '#models/demo-model/demo-request';
import { silentLog } from '#shared/log';
import { createToolRegistry } from '#tools/registry';
import { configureTools } from '#tools/tool-declaration';
import { toolList } from '#tools/tool-list';
import { toolTable } from '#test/docs/tool-table';
import { allSettings } from '#test/language/standard-classification';
import { printedCallForms } from '#test/support/printed-call-forms';
import { weatherTool } from './weather.ts';
import { contextOf } from './tool-context.ts';

const now = Date.parse('2026-11-18T09:00:00+09:00');
const context = { message: '서울 날씨 어때?', now, timeZone: 'Asia/Seoul' };

const setting = (isConfigured = true) => {
  const declarations = [...toolList, weatherTool(() => isConfigured)];
  const tools = configureTools(declarations, allSettings);
  const operations = createOperationTable(tools.modelTools);
  const decide = (raw: string) => {
    const parsed = parseClassification(raw, operations);
    return parsed && toDecision(parsed, context, operations);
  };
  return { declarations, tools, operations, decide };
};

const registryOf = async ({ tools }: ReturnType<typeof setting>) => {
  const weather = weatherTool();
  const opened = tools.notConfigured.has(weather.name)
    ? []
    : [await weather.open({} as Parameters<typeof weather.open>[0])];
  const { notConfigured } = tools;
  return createToolRegistry({ tools: opened, notConfigured, log: silentLog() });
};

const forecast = (params: Record<string, unknown>) => ({
  tool: 'home_weather',
  operation: 'forecast',
  params,
});

describe('a new tool', () => {
  test('is in the prompt of the classifier, with its parameters, its forms and its example', () => {
    const { offered } = setting().operations;
    const messages = classifierMessages({ ...context, history: [], operations: offered });
    expect(messages[0]?.content).toContain(
      '- home_weather.forecast: 날씨 예보. params: {"place","hours":숫자,"unit":"c|f","query"}; 필요한 것만 넣는다\n' +
        '- home_weather.subscribe: 태풍 알림 초안. params: {"place"}\n',
    );
    expect(messages[0]?.content).not.toContain('subscribe_confirmed');
    expect(messages.map(({ content }) => content)).toContain(
      '{"action":"tools","tool":"home_weather","operation":"forecast","params":{"place":"서울"}}',
    );
  });

  test('is in the JSON schema of the classifier', () => {
    const { schema } = classificationSchemaOf(setting().operations.offered);
    expect(schema).toMatchObject({
      properties: {
        tool: { enum: ['', 'calendar', 'email', 'document', 'home_weather'] },
        operation: { enum: ['', 'today', 'search', 'create_draft', 'forecast', 'subscribe'] },
        params: { properties: { place: { type: 'string' }, hours: { type: 'integer' } } },
      },
    });
  });

  test.each([
    [
      '{"action":"tools","tool":"home_weather","operation":"forecast","params":{"place":"서울"}}',
      {},
    ],
    ['{"action":"tools","tool":"home_weather.forecast","params":{"place":"서울"}}', {}],
    ['{"tool":"Weather_forecast","operation":"","params":{"place":" 서울 ","hours":null}}', {}],
    ['{"tool":"weather","operation":"home_weather.forecast","params":{"place":"서울","x":1}}', {}],
    [
      '{"tool":"weather","operation":"forecast","params":{"place":"서울","hours":"99"}}',
      { hours: 48 },
    ],
    ['{"tool":"weather","operation":"forecast","params":{"place":"서울","hours":-3}}', {}],
    [
      '{"tool":"weather","operation":"forecast","params":{"place":"서울","unit":"f"}}',
      { unit: 'f' },
    ],
  ])('is found by the parser in the output %s', (raw, more) => {
    expect(setting().decide(raw)).toMatchObject({
      action: 'tools',
      calls: [forecast({ place: '서울', ...more })],
    });
  });

  test.each(printedCallForms.filter(({ name }) => /JSON|tag/i.test(name)))(
    'is found in a printed call of the form $name, or the output is refused',
    ({ print }) => {
      const decision = setting().decide(print('home_weather.forecast', 'place', '서울'));
      if (decision !== null) expect(JSON.stringify(decision)).not.toContain('unknown');
    },
  );

  test('cuts a text to the limit of its parameter', () => {
    const raw = JSON.stringify({ ...forecast({ place: '가'.repeat(90) }), action: 'tools' });
    expect(setting().decide(raw)?.calls?.[0]?.params['place']).toBe('가'.repeat(40));
  });

  test('asks back with its own resolver, and refuses its write operation', () => {
    const { decide } = setting();
    expect(decide('{"tool":"weather","operation":"forecast","params":{"place":"null"}}')).toEqual({
      by: 'classifier',
      action: 'clarify',
      response: '어느 지역인가요?',
      reason: 'params',
    });
    expect(decide('{"tool":"weather","operation":"subscribe_confirmed","params":{}}')).toBeNull();
  });

  test('is described to a model without the names for users, and names invalid parameters', async () => {
    const registry = await registryOf(setting());
    const [described] = registry.describe();
    expect(described).toMatchObject({
      tool: 'home_weather',
      operation: 'forecast',
      description: 'tells the weather of a place',
      params: { properties: { place: { type: 'string', maxLength: 40 } }, required: ['place'] },
    });
    expect(JSON.stringify(described)).not.toContain('지역');
    expect(registry.describe().map(({ operation }) => operation)).toEqual([
      'forecast',
      'subscribe',
    ]);
    const { results } = await registry.run([forecast({})], contextOf());
    expect(results[0]).toMatchObject({
      error: { code: 'GH_TOOL_INPUT' },
      summary: expect.stringContaining('지역'),
    });
  });

  test('is checked by the doctor, listed in docs/tools.md, and answered by the practice model', async () => {
    const { declarations, tools } = setting();
    const request = parseDemoRequest({ messages: [{ role: 'user', content: '서울 날씨?' }] })!;
    expect(toolTable(declarations)).toContain(
      '| `home_weather` | `forecast` | reads | `place` `hours?` `unit?` `query?` | tells the weather of a place |',
    );
    expect(classify(request, now, tools.demoTools)).toMatchObject(forecast({ place: '서울' }));
    const only = configureTools([weatherTool()], allSettings);
    expect(await only.check()).toEqual([
      { part: 'home_weather', ok: true, what: 'the sky is there' },
    ]);
  });
});

describe('a tool that is not configured', () => {
  test('is offered neither in the prompt nor in the schema nor to the practice model', () => {
    const { operations, tools } = setting(false);
    const messages = classifierMessages({
      ...context,
      message: '안녕',
      history: [],
      operations: operations.offered,
    });
    const text = JSON.stringify([messages, classificationSchemaOf(operations.offered)]);
    expect(text).not.toMatch(/weather|forecast|place|날씨/);
    expect(tools.demoTools.map(({ name }) => name)).not.toContain('home_weather');
  });

  test('is reported by the doctor as not configured, which is no fault', async () => {
    const { check } = configureTools([weatherTool(() => false)], allSettings);
    expect(await check()).toEqual([{ part: 'home_weather', ok: true, what: 'none configured' }]);
  });

  test.each([
    ['ko', 'tools.weather에 적어주세요'],
    ['en', 'add it to tools.weather'],
  ] as const)(
    'is answered with the key to configure, without a question back, in the language %s',
    async (locale, sentence) => {
      const unset = setting(false);
      const decision = unset.decide('{"tool":"weather","operation":"forecast","params":{}}');
      expect(decision).toMatchObject({ action: 'tools', calls: [forecast({})] });
      const registry = await registryOf(unset);
      const { results } = await registry.run(decision!.calls!, contextOf({ locale }));
      expect(results[0]).toMatchObject({
        ok: false,
        error: { code: 'GH_TOOL_NOT_CONFIGURED' },
        summary: expect.stringContaining(sentence),
      });
      expect(results[0]?.summary).not.toContain('\n');
    },
  );

  test('keeps a draft that is changed or confirmed, and writes nothing', async () => {
    const registry = await registryOf(setting(false));
    const draft = {
      tool: 'home_weather',
      operation: 'subscribe_confirmed',
      params: { place: '부산' },
      summary: '부산 알림?',
    };
    const once = await registry.revise(draft, { place: '서울' }, contextOf());
    const twice = await registry.revise(once, { place: '대구' }, contextOf());
    expect(once).toMatchObject({ params: { place: '부산' } });
    expect(once.summary).toMatch(/tools\.weather에 적어주세요\.\n\n부산 알림\?$/);
    expect(twice).toEqual(once);
    const written = await registry.execute(draft, contextOf());
    expect(written).toMatchObject({ ok: false, error: { code: 'GH_TOOL_NOT_CONFIGURED' } });
    expect(written.summary).toMatch(/tools\.weather에 적어주세요\.\n- place: 부산$/);
  });
});
