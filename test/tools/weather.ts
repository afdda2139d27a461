/** A tool of the tests: one file, and one line in the list of a test. */
import { z } from 'zod';
import { asString } from '#language/rules/resolution-context';
import { param, queryParam } from '#tools/param-schemas';
import type { ToolDeclaration } from '#tools/tool-declaration';
import { readOperation, writeOperation } from '#tools/tool';

const forecast = {
  effect: 'reads',
  description: 'tells the weather of a place',
  schema: z.object({
    place: param(z.string().max(40), 'a town', '지역', 'place'),
    hours: param(z.number().int().min(1).max(48).optional(), 'hours ahead', '시간', 'hours'),
    unit: param(z.enum(['c', 'f']).optional(), 'unit', '단위', 'unit'),
    query: queryParam('words').optional(),
  }),
  classifier: {
    summary: '날씨 예보',
    examples: [{ message: '서울 날씨 어때?', params: { place: '서울' } }],
    resolve: (params: Record<string, unknown>) =>
      asString(params['place']) === ''
        ? { ok: false as const, question: '어느 지역인가요?' }
        : { ok: true as const, params },
  },
} as const;

const schema = z.object({ place: param(z.string(), 'a town', '지역', 'place') });
const propose = {
  effect: 'drafts',
  description: 'offers a warning of storms',
  schema,
  writes: 'subscribe_confirmed',
  classifier: { summary: '태풍 알림 초안' },
} as const;
const subscribe = { effect: 'writes', description: 'subscribes to the warning', schema } as const;

const label = { ko: '날씨', en: 'weather' };

/** `isSet`: whether the tool is configured. */
export const weatherTool = (isSet: () => boolean = () => true): ToolDeclaration => ({
  name: 'home_weather',
  label,
  aliases: ['weather'],
  operations: { forecast, subscribe: propose, subscribe_confirmed: subscribe },
  configuration: {
    isSet,
    missing: {
      ko: '날씨 서버가 설정되어 있지 않으니, 설정 파일의 tools.weather에 적어주세요.',
      en: 'No weather server is configured: add it to tools.weather in the configuration file.',
    },
  },
  check: () => Promise.resolve([{ part: 'home_weather', ok: true, what: 'the sky is there' }]),
  demo: (message) =>
    message.includes('날씨') ? { operation: 'forecast', params: { place: '서울' } } : null,
  open: () =>
    Promise.resolve({
      name: 'home_weather',
      label,
      operations: {
        forecast: readOperation({
          ...forecast,
          run: ({ place, hours = 24 }) =>
            Promise.resolve({
              ok: true,
              data: { place },
              summary: `${place}: 맑음 (${hours}시간)`,
            }),
        }),
        subscribe: propose,
        subscribe_confirmed: writeOperation({
          ...subscribe,
          merge: (params, changes) => ({ ...params, ...changes }),
          propose: (params) =>
            Promise.resolve({ ok: true, params, data: params, summary: `${params.place} 알림?` }),
          execute: ({ place }) =>
            Promise.resolve({ ok: true, data: null, summary: `${place} 알림을 켰습니다.` }),
        }),
      },
    }),
});
