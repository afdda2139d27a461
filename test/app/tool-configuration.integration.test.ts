/** What a core answers about tools that are configured, not configured, or no longer configured. */
import { afterEach, describe, expect, test } from 'vitest';
import { toolList } from '#tools/tool-list';
import type { ToolDeclaration } from '#tools/tool-declaration';
import { openCore, type CoreFixture } from '#test/support/core';
import { saysJson } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';
import { weatherTool } from '../tools/weather.ts';

let fixture: CoreFixture;
afterEach(() => fixture.close());

const callOf = (tool: string, operation: string, params: Record<string, unknown> = {}) =>
  saysJson({ action: 'tools', tool, operation, params });

const withConfiguration = (
  names: readonly string[],
  isSet: () => boolean,
): readonly ToolDeclaration[] =>
  toolList.map((tool) =>
    names.includes(tool.name)
      ? {
          ...tool,
          configuration: {
            isSet,
            missing: { ko: `설정 파일의 tools.${tool.name}`, en: `set tools.${tool.name}` },
          },
        }
      : tool,
  );

const ended = async (jobId: string) => {
  await until(async () => (await fixture.client.job(jobId)).reply !== null);
  return fixture.client.job(jobId);
};

describe('a core with a tool of its own', () => {
  test('offers it to the classifier, runs it, and lists it in the status', async () => {
    fixture = await openCore({}, { tools: [...toolList, weatherTool()] });
    fixture.small.script(callOf('weather', 'forecast', { place: '서울' }), saysJson({ a: 1 }));
    const { end } = await fixture.ask('우산 가져갈까');
    expect(JSON.stringify(fixture.small.requests[0]!.body)).toContain('home_weather.forecast');
    expect(JSON.stringify(fixture.small.requests.at(-1)!.body)).toContain('서울: 맑음 (24시간)');
    expect(end.data).toMatchObject({ outcome: 'answered' });
    const status = await fixture.ask('상태');
    expect(status.end.data['reply']).toMatch(/\n도구: 캘린더, 문서, 알림, 기억, 날씨$/);
    const english = await fixture.ask('server status');
    expect(english.end.data['reply']).toMatch(
      /\nTools: calendar, documents, reminders, memory, weather$/,
    );
  });
});

describe('a core without mail', () => {
  test.each([
    ['메일 왔어?', '설정 파일의 tools.email에'],
    ['2월 30일에 온 메일 보여줘', '설정 파일의 tools.email에'],
    ['any new emails?', 'tools.email in the configuration file'],
    ['show me emails from february 30', 'tools.email in the configuration file'],
  ])(
    'answers a rule with the key to configure, without a question back: %s',
    async (message, key) => {
      fixture = await openCore();
      const { end } = await fixture.ask(message);
      expect(end.data).toMatchObject({ outcome: 'failed', reply: expect.stringContaining(key) });
      expect(String(end.data['reply'])).not.toContain('\n');
      expect(fixture.small.requests).toEqual([]);
    },
  );

  test('answers the classifier alike, whatever the parameters', async () => {
    fixture = await openCore();
    for (const params of [{}, { date_from: '2월 30일' }, { days: null, folder: '회사' }]) {
      fixture.small.script(callOf('gmail', 'search', params));
      const { end } = await fixture.ask('혹시 세금 계산서 온 게 있으려나');
      expect(end.data['reply']).toContain('설정 파일의 tools.email에');
    }
  });

  test('answers the part of a question that another tool knows', async () => {
    fixture = await openCore();
    fixture.small.script(saysJson({ x: 1 }), saysJson({ x: 1 }));
    await fixture.ask('오늘 일정 알려줘 그리고 메일도 확인해줘');
    const { content } = fixture.small.requests.at(-1)!.body.messages.at(-1)!;
    expect(content).toContain('calendar');
    expect(content).toContain('설정 파일의 tools.email에');
  });
});

describe('a draft whose tool is no longer configured after a restart', () => {
  test('is kept when it is changed, and names the key and its values when it is confirmed', async () => {
    let isSet = true;
    fixture = await openCore({}, { tools: withConfiguration(['calendar'], () => isSet) });
    const params = { title: '치과', date: '2031-03-05', time: '15:00' };
    fixture.small.script(callOf('calendar', 'create_draft', params));
    const jobId = await fixture.client.submit({ message: '2031년 3월 5일 3시에 치과 잡아줘' });
    await until(async () => (await fixture.client.job(jobId)).state === 'confirm-draft');
    isSet = false;
    await fixture.restart();
    await fixture.client.submit({ message: '4시로 바꿔줘' });
    const shown = async () =>
      (await fixture.client.events(jobId)).filter(({ type }) => type === 'result').at(-1)!.data;
    await until(async () => String((await shown())['content']).includes('tools.calendar'));
    expect(String((await shown())['content'])).toMatch(
      /바꾸지 못했습니다.*\n\n다음 일정을 등록할까요\?/,
    );
    await fixture.client.submit({ message: '확인' });
    const { outcome, reply } = await ended(jobId);
    expect(outcome).toBe('failed');
    expect(reply).toBe(
      '설정 파일의 tools.calendar\n- title: 치과\n- date: 2031-03-05\n- time: 15:00',
    );
  });
});
