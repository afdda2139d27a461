/** Changes to a waiting draft. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseDraftEdit } from '#language/rules/draft-edit';
import { momentsAhead, movedDates, movesAlong } from '#test/support/test-moments';

const options = { now: Date.parse('2026-11-18T09:00:00+09:00'), timeZone: 'Asia/Seoul' };
const fixedDay = '2026-11-18';

const changes: [message: string, edit: object][] = [
  ['3시로 바꿔', { time: '15:00' }],
  ['4시', { time: '16:00' }],
  ['오후 세 시 반으로', { time: '15:30' }],
  ['아니 그게 아니라 4시로 해줘', { time: '16:00' }],
  ['3시 말고 4시로', { time: '16:00' }],
  ['3시에서 4시로 변경해줘', { time: '16:00' }],
  ['4시로 바꿔줄래?', { time: '16:00' }],
  ['내일로 옮겨줘', { date: '2026-11-19' }],
  ['내일이요', { date: '2026-11-19' }],
  ['다음 주 화요일로 미뤄줘', { date: '2026-11-24' }],
  ['시간은 그대로 두고 날짜만 내일로', { date: '2026-11-19' }],
  ['모레 10시 반', { date: '2026-11-20', time: '10:30' }],
  ['5시까지로 해줘', { end_time: '17:00' }],
  ['끝나는 시간은 5시로', { end_time: '17:00' }],
  ['3시부터 5시까지로 바꿔줘', { time: '15:00', end_time: '17:00' }],
  ['제목은 치과로', { title: '치과' }],
  ['제목을 "엄마 생신"으로 바꿔줘', { title: '엄마 생신' }],
  ['설명에 보험증 지참 추가해줘', { description: '보험증 지참' }],
  [
    '내일 오후 4시로 바꾸고 제목은 치과로 해줘',
    { date: '2026-11-19', time: '16:00', title: '치과' },
  ],
  ['제목은 병원 예약으로 바꾸고 4시로 옮겨줘', { time: '16:00', title: '병원 예약' }],
  ['3일까지로 해줘', { end_date: '2026-12-03' }],
  ['12월 1일부터 3일까지로 바꿔', { date: '2026-12-01', end_date: '2026-12-03' }],
  ['until friday', { end_date: '2026-11-20' }],
  ['장소는 강남역으로', { location: '강남역' }],
  ['장소를 회의실 2로 바꾸고 4시로 옮겨줘', { location: '회의실 2', time: '16:00' }],
  ['장소는 종로', { location: '종로' }],
  ['장소는 을지로로', { location: '을지로' }],
  ['장소: 을지로 12', { location: '을지로 12' }],
  ['location: Room 5', { location: 'Room 5' }],
  ['change the place to Cafe Uno and move it to 4pm', { location: 'Cafe Uno', time: '16:00' }],
  ['오늘 밤 12시로 바꿔', { date: '2026-11-19', time: '00:00' }],
  ['크리스마스 이브로 옮겨줘', { date: '2026-12-24' }],
  ['월요일 다음날로 옮겨줘', { date: '2026-11-24' }],
  ['change it to 4pm', { time: '16:00' }],
  ['make it 4pm', { time: '16:00' }],
  ['no, tomorrow at 3', { date: '2026-11-19', time: '15:00' }],
  ['move it to friday', { date: '2026-11-20' }],
  ['move it from 3pm to 4pm', { time: '16:00' }],
  ['4pm instead of 3pm', { time: '16:00' }],
  ['not 3 but 4pm', { time: '16:00' }],
  ['until 5pm', { end_time: '17:00' }],
  ['title: Dentist', { title: 'Dentist' }],
  ['rename it to Team lunch', { title: 'Team lunch' }],
  ['call it Standup and move it to 10am', { title: 'Standup', time: '10:00' }],
];

describe('a change to the waiting draft', () => {
  test.each(changes)('is parsed from the message: %s', (message, expected) => {
    const { open: _open, ...edit } = parseDraftEdit(message, options) ?? {};
    expect(edit).toEqual(expected);
  });

  test.each(momentsAhead())('is the same relative to another moment: $name ($today)', (moment) => {
    const held = changes.filter(([message]) => movesAlong(message, fixedDay, moment.today));
    expect(held.length).toBeGreaterThan(20);
    for (const [message, expected] of held) {
      const { open: _open, ...edit } = parseDraftEdit(message, moment) ?? {};
      expect(edit, message).toEqual(movedDates(expected, fixedDay, moment.today));
    }
  });

  test.each([
    ['8시로 바꿔', ['time']],
    ['3시부터 5시까지로 바꿔줘', ['time', 'end_time']],
    ['5시까지로 해줘', ['end_time']],
    ['밤 12시로 바꿔', ['day']],
    ['오늘 밤 12시로 바꿔', undefined],
    ['오후 8시로 바꿔', undefined],
    ['8시에 저녁으로 바꿔', undefined],
  ])('from the message "%s" leaves the fields %j open for the draft to decide', (message, open) => {
    expect(parseDraftEdit(message, options)?.open).toEqual(open);
  });

  test.each([
    '내일 일정 알려줘',
    '내일 일정',
    '내일 회의 있어?',
    '4시에 회의 하나 더 잡아줘',
    '내일 3시에 회의 잡아줘',
    '금요일 괜찮아?',
    '제목 뭐야?',
    '장소 어디야?',
    '2주 뒤 월요일로 옮겨줘',
    '크리스마스 전 주로 옮겨줘',
    '메모 보여줘',
    '2월 30일로 바꿔',
    '25시로 바꿔',
    '응',
    '확인',
    '취소해줘',
    '날씨 어때',
    'what is the weather tomorrow',
    '',
  ])('is not found in the message %j', (message) => {
    expect(parseDraftEdit(message, options)).toBeNull();
  });

  test('is parsed without an exception from any text', () => {
    const words = fc.array(
      fc.constantFrom(
        '제목은',
        '치과',
        '로',
        '바꿔',
        '고 ',
        '3시',
        '내일',
        ':',
        '"',
        ' ',
        '\ud800',
        'title',
        'to',
        'and',
      ),
      { maxLength: 20 },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary', maxLength: 250 }),
          words.map((parts) => parts.join('')),
        ),
        (text) => {
          const edit = parseDraftEdit(text, options);
          if (edit !== null) expect(Object.keys(edit).length).toBeGreaterThan(0);
        },
      ),
      { numRuns: 500 },
    );
  });
});
