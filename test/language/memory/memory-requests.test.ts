/** Requests about the memory: what is kept, listed and forgotten, and what only sounds like it. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { MemoryRequest } from '#language/memory/memory-request';
import { asksToForget, ownWords, readMemoryRequest } from '#language/memory/read-memory-request';
import { route } from '#language/rules/route';
import { readCases } from '../case-file.ts';

const cases = readCases<{ message: string; request: MemoryRequest | null }>(
  'memory-requests.jsonl',
);
const options = { now: Date.parse('2026-12-03T09:00:00+09:00'), timeZone: 'Asia/Seoul' };

test('reads each message of the cases as a person means it', () => {
  const wrong = cases.flatMap(({ message, request }) => {
    const read = readMemoryRequest(message);
    return JSON.stringify(read) === JSON.stringify(request) ? [] : { message, request, read };
  });
  expect(wrong).toEqual([]);
});

test('has at least ten ways of each request in each language', () => {
  const count = (kind: string, isKorean: boolean): number =>
    cases.filter(
      ({ message, request }) =>
        (request?.do ?? 'none') === kind && /[가-힣]/.test(message) === isKorean,
    ).length;
  for (const kind of ['keep', 'list', 'forget', 'none']) {
    expect(count(kind, true), kind).toBeGreaterThanOrEqual(10);
    expect(count(kind, false), kind).toBeGreaterThanOrEqual(10);
  }
});

test('is read only where the memory can be used, and before all other rules', () => {
  const message = '기억해: 회의는 매주 월요일 9시야';
  const kinds = [true, false].map((memory) =>
    route(message, { ...options, pendingDraft: false, memory, schedules: true }),
  );
  expect(kinds[0]).toMatchObject({ decision: { calls: [{ tool: 'memory', operation: 'keep' }] } });
  expect(JSON.stringify(kinds[1])).not.toContain('memory');
});

test('a reminder stays a reminder, and a yes stays a yes', () => {
  const judged = (message: string, pendingDraft = false) =>
    route(message, { ...options, pendingDraft, memory: true, schedules: true });
  for (const message of ['잊지 말고 내일 오전 9시에 알려줘', 'remind me to call mom at 5pm']) {
    expect(judged(message)).toMatchObject({ decision: { calls: [{ tool: 'schedule' }] } });
  }
  expect(judged('응', true)).toEqual({ kind: 'confirm' });
});

test('the text of a fact is always a part of the message, for any message', () => {
  const part = fc.constantFrom(
    '기억해',
    '줘',
    ': ',
    ' 라는 거 ',
    'remember',
    ' that ',
    ' is ',
    '내 차',
    '."',
    '\n',
    '잊어',
    'É',
  );
  fc.assert(
    fc.property(
      fc.array(fc.oneof(part, fc.string({ maxLength: 6 })), { maxLength: 10 }),
      (parts) => {
        const message = parts.join('');
        const request = readMemoryRequest(message);
        if (request?.do === 'keep') expect(ownWords(request.text, message)).toBe(request.text);
      },
    ),
    { numRuns: 2_000 },
  );
});

describe('the words that a model gives', () => {
  test.each([
    ['나는 왼손잡이', '있잖아 나는  왼손잡이 라는 점', '나는 왼손잡이'],
    ['i am left-handed', 'You know, I am Left-handed.', 'I am Left-handed'],
    ['I like tea', 'I like coffee', null],
    ['', 'anything', null],
    ['admin', 'the administrator', 'admin'],
    ['pay 5 to x', 'please keep this', null],
  ])('"%s" of "%s" are kept as %j', (words, message, own) => {
    expect(ownWords(words, message)).toBe(own);
  });
});

test('a message that may ask to forget is recognised in both languages', () => {
  for (const one of ['내 번호 좀 지워', '까먹어 줘', 'please erase my number', 'Forget that']) {
    expect(asksToForget(one)).toBe(true);
  }
  for (const one of ['내 번호 뭐야', 'what is my number']) expect(asksToForget(one)).toBe(false);
});
