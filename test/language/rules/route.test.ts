/** The rules against messages with an expected decision (cases/), and properties that hold for any message. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseConsent } from '#language/rules/consent';
import { describeRoute, route } from '#language/rules/route';
import { exampleHome } from '#test/support/home-words';
import { type RouteCase, inCaseWords, readCases } from '../case-file.ts';

const now = Date.parse('2026-11-18T09:00:00+09:00');
const timeZone = 'Asia/Seoul';

const decide = (message: string, pendingDraft = false, at = now) =>
  describeRoute(route(message, { ...exampleHome, now: at, timeZone, pendingDraft }));

function judge(item: RouteCase): { found: unknown; expected: unknown } {
  const { or: _alternative, ...expected } = item.expect;
  return {
    found: inCaseWords(decide(item.message, item.pending_draft, Date.parse(item.now))),
    expected,
  };
}

const title = (item: RouteCase): string =>
  `${JSON.stringify(item.message)}${item.pending_draft ? ' while a draft waits' : ''}`;

describe('messages of routes.jsonl', () => {
  const cases = readCases<RouteCase>('routes.jsonl');
  test.each(cases.map((item, line) => [line + 1, title(item), item] as const))(
    'line %i: the message %s gets the decision of its case',
    (_line, _title, item) => {
      const { found, expected } = judge(item);
      expect(found).toEqual(expected);
    },
  );
});

describe('the further case files', () => {
  const further = [
    ...readCases<RouteCase>('messages.jsonl'),
    ...readCases<RouteCase>('spoken.jsonl'),
    ...readCases<RouteCase>('english.jsonl'),
  ];
  const groups = Map.groupBy(further, (item) => item.cat ?? '');
  test.each([...groups.keys()])(
    'all messages of the category "%s" get the decisions of their cases',
    (cat) => {
      const cases = groups.get(cat) ?? [];
      const wrong = cases
        .map((item) => ({ message: title(item), ...judge(item) }))
        .filter(
          ({ found, expected }) =>
            JSON.stringify(sorted(found)) !== JSON.stringify(sorted(expected)),
        );
      expect(wrong).toEqual([]);
    },
  );
});

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).toSorted(([left], [right]) => left.localeCompare(right));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}

describe('the printed decision', () => {
  test('for a single tool has its tool, operation and params', () => {
    expect(decide('내일 일정 알려줘')).toEqual({
      by: 'rule',
      action: 'tools',
      tool: 'calendar',
      operation: 'search',
      params: { date_from: '2026-11-19', date_to: '2026-11-19' },
    });
  });

  test('for several tools lists all calls, and repeats the first one as tool, operation and params', () => {
    expect(decide('어제 일정이랑 메일 보여줘')).toEqual({
      by: 'rule',
      action: 'tools',
      tool: 'calendar',
      operation: 'search',
      params: { date_from: '2026-11-17', date_to: '2026-11-17' },
      calls: [
        {
          tool: 'calendar',
          operation: 'search',
          params: { date_from: '2026-11-17', date_to: '2026-11-17' },
        },
        {
          tool: 'email',
          operation: 'search',
          params: { date_from: '2026-11-17', date_to: '2026-11-17' },
        },
      ],
    });
  });

  test('for a message that no rule decides names the classifier', () => {
    expect(decide('점심 뭐 먹지')).toEqual({ by: 'classifier', action: 'classify' });
  });

  test('for consent and refusal is confirm and reject', () => {
    expect(decide('확인', true)).toEqual({ by: 'rule', action: 'confirm' });
    expect(decide('취소', true)).toEqual({ by: 'rule', action: 'reject' });
  });

  test('for an impossible date asks in the language of the message', () => {
    expect(decide('2월 30일 일정 알려줘').response).toMatch(/2월 30일.*없는 날짜/);
    expect(decide("what's on my calendar on February 30?").response).toMatch(/no such day/);
  });

  test('for days far apart has one call per day', () => {
    expect(
      decide('12월 1일이랑 내년 3월 2일 일정 알려줘').calls?.map((call) => call.params),
    ).toEqual([
      { date_from: '2026-12-01', date_to: '2026-12-01' },
      { date_from: '2027-03-02', date_to: '2027-03-02' },
    ]);
  });

  test('takes the day from the time zone, not from UTC', () => {
    const justAfterMidnight = Date.parse('2026-11-18T00:30:00+09:00');
    expect(decide('내일 일정', false, justAfterMidnight).params).toEqual({
      date_from: '2026-11-19',
      date_to: '2026-11-19',
    });
  });
});

const keywords = [
  '일정',
  '회의',
  '약속',
  '미팅',
  '스케줄',
  '캘린더',
  '메일',
  '편지',
  '문서',
  '자료',
  '파일',
];
/** Syllables that are no particle, no ending and no word of a rule. */
const foreign = ['벽', '쿡', '쌀', '춤', '꿩', '뺨', '숲', '넋', '훌', '쩍'];

describe('for any message', () => {
  const anyText = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 400 }),
    fc.string({ unit: 'grapheme', maxLength: 400 }),
    fc
      .array(
        fc.constantFrom(
          ...keywords,
          '내일',
          '3시',
          '2월 30일',
          '\ud800',
          '\udc00',
          ' ',
          '을',
          '확인',
          '~',
          'mail',
          'on',
        ),
        {
          maxLength: 120,
        },
      )
      .map((parts) => parts.join('')),
    fc.nat({ max: 100_000 }).map((length) => '일정 '.repeat(length / 3)),
  );

  test('routing never throws', () => {
    fc.assert(
      fc.property(anyText, fc.boolean(), (message, pendingDraft) => {
        const found = describeRoute(route(message, { now, timeZone, pendingDraft }));
        expect(['rule', 'classifier']).toContain(found.by);
      }),
      { numRuns: 400 },
    );
  });

  test('the decision is no consent and no refusal unless a draft waits', () => {
    const consents = [
      '확인',
      '네',
      '응',
      'ok',
      'yes',
      '취소',
      '아니',
      'no',
      '좋아',
      'ㅇㅇ',
      '!',
      ' ',
      '👍',
    ];
    const text = fc.array(fc.constantFrom(...consents), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(
        fc.oneof(
          anyText,
          text.map((parts) => parts.join(' ')),
        ),
        (message) => {
          expect(['confirm', 'reject']).not.toContain(
            route(message, { now, timeZone, pendingDraft: false }).kind,
          );
        },
      ),
      { numRuns: 400 },
    );
  });

  test('a keyword inside a longer word does not trigger a rule', () => {
    const inside = fc.tuple(
      fc.constantFrom(...keywords),
      fc.constantFrom('', ...foreign),
      fc.constantFrom(...foreign),
      fc.constantFrom(' 알려줘', ' 뭐야?', ' 있어?', ' 찾아줘', ' 확인해줘', ''),
    );
    fc.assert(
      fc.property(inside, ([keyword, before, after, ask]) => {
        expect(decide(`${before}${keyword}${after}${ask}`).action).toBe('classify');
      }),
      { numRuns: 500 },
    );
  });

  test('a request to create or change an entry never runs a tool', () => {
    const verbs = [
      '잡아줘',
      '추가해줘',
      '등록해 주세요',
      '취소해줘',
      '바꿔줘',
      '옮겨줘',
      '삭제해줘',
      '미뤄줘',
    ];
    const dates = ['', '내일 ', '금요일 3시 ', '12월 3일 '];
    fc.assert(
      fc.property(
        fc.constantFrom(...dates),
        fc.constantFrom('일정', '회의', '약속', '미팅'),
        fc.constantFrom('', '을', '도', ' 좀', ' 하나'),
        fc.constantFrom(...verbs),
        (date, noun, particle, verb) => {
          expect(decide(`${date}${noun}${particle} ${verb}`).action).toBe('classify');
        },
      ),
    );
  });
});

describe('consent', () => {
  const refusals = [
    '취소',
    '아니',
    '안 해',
    '하지 마',
    '됐어',
    '그만',
    '없던 걸로 해줘',
    'no',
    "don't",
    'cancel',
    '필요 없어',
    '등록하지 마',
  ];
  const beside = ['', '네, ', '응 ', 'ok ', '그냥 ', '아 '];

  test('is never found in a refusal, whatever stands before it', () => {
    for (const word of refusals) {
      for (const other of beside)
        expect([word, other, parseConsent(`${other}${word}`)]).not.toContain('confirm');
    }
  });

  test.each([
    '네?',
    '확인?',
    '응 아니',
    '확인 취소',
    '취소하지 마',
    '',
    '   ',
    '?!',
    '확인 메일',
    '아니면',
  ])('and refusal are not found in %j', (message) => {
    expect(parseConsent(message)).toBeNull();
  });

  test('is not found in a long text, whatever it consists of', () => {
    expect(parseConsent('네 '.repeat(40))).toBeNull();
  });
});
