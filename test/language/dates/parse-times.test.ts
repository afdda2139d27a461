/** Times of day, Korean and English. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseTimes } from '#language/dates/parse-times';

function shown(text: string): string | null {
  const reading = parseTimes(text);
  if (reading === null) return null;
  if (!reading.ok) return `bad: ${reading.text}`;
  return reading.end === undefined ? reading.start : `${reading.start}-${reading.end}`;
}

describe('times of day', () => {
  test.each([
    ['오후 3시', '15:00'],
    ['오전 10시 30분', '10:30'],
    ['세 시 반', '15:30'],
    ['9시반', '09:30'],
    ['열두시 반', '12:30'],
    ['새벽 2시', '02:00'],
    ['아침 8시', '08:00'],
    ['낮 12시', '12:00'],
    ['낮 1시', '13:00'],
    ['저녁 7시', '19:00'],
    ['밤 11시', '23:00'],
    ['밤 12시', '00:00'],
    ['밤 1시', '01:00'],
    ['오전 12시', '00:00'],
    ['오후 12시', '12:00'],
    ['15시', '15:00'],
    ['15시 30분', '15:30'],
    ['15:30', '15:30'],
    ['오후 3:30', '15:30'],
    ['0시', '00:00'],
    ['24시', '00:00'],
    ['정오', '12:00'],
    ['자정', '00:00'],
    ['at 3pm', '15:00'],
    ['3:30 p.m.', '15:30'],
    ['12am', '00:00'],
    ['12pm', '12:00'],
    ['half past three', '15:30'],
    ['quarter to 5', '16:45'],
    ["3 o'clock", '15:00'],
    ['8 in the morning', '08:00'],
    ['at 7 in the evening', '19:00'],
    ['noon', '12:00'],
    ['midnight', '00:00'],
  ])('the time "%s" is parsed as %s', (text, expected) => {
    expect(shown(text)).toBe(expected);
  });

  test.each([
    ['오후 3시부터 5시까지', '15:00-17:00'],
    ['3시~5시', '15:00-17:00'],
    ['3-5시', '15:00-17:00'],
    ['11시부터 1시까지', '11:00-13:00'],
    ['오전 10시부터 2시', '10:00-14:00'],
    ['14:00-15:30', '14:00-15:30'],
    ['밤 11시부터 새벽 1시', '23:00-01:00'],
    ['밤 11시부터 12시까지', '23:00-00:00'],
    ['오후 10시부터 2시까지', '22:00-02:00'],
    ['7시부터 9시까지 저녁 모임', '19:00-21:00'],
    ['3시부터 2시간', '15:00-17:00'],
    ['오후 2시부터 1시간 반', '14:00-15:30'],
    ['오후 2시에 30분', '14:00-14:30'],
    ['from 3 to 5pm', '15:00-17:00'],
    ['9-11am', '09:00-11:00'],
    ['11-1pm', '11:00-13:00'],
    ['10:15am for an hour', '10:15-11:15'],
  ])('the range "%s" is parsed as %s', (text, expected) => {
    expect(shown(text)).toBe(expected);
  });

  test.each(['25시', '3시 70분', '12:75', '99시'])(
    'the impossible time "%s" is reported',
    (text) => {
      expect(shown(text)).toMatch(/^bad: /);
    },
  );

  test.each([
    '3시간 뒤',
    '두 시간',
    '시장 조사',
    '시스템 상태',
    '서울시',
    '다시 해줘',
    'at 3 people',
    '1/2',
    '3일',
  ])('the text "%s" contains no time', (text) => {
    expect(shown(text)).toBeNull();
  });

  test('an hour has the certainty of its half of the day', () => {
    expect(parseTimes('3시')).toMatchObject({ start: '15:00', startCertainty: 'likely' });
    expect(parseTimes('7시')).toMatchObject({ start: '07:00', startCertainty: 'ambiguous' });
    expect(parseTimes('오후 3시')).toMatchObject({ startCertainty: 'explicit' });
    expect(parseTimes('15시')).toMatchObject({ startCertainty: 'explicit' });
  });

  test.each([
    ['7시에 저녁 약속', '19:00', 'explicit'],
    ['tonight at 8 movie', '20:00', 'explicit'],
    ['tomorrow night at 9', '21:00', 'explicit'],
    ['내일 밤에 10시 통화', '22:00', 'explicit'],
    ['11시 야식', '23:00', 'explicit'],
    ['dinner at 7', '19:00', 'explicit'],
    ['저녁 장보기 10시', '10:00', 'ambiguous'],
    ['tonight at 2', '02:00', 'ambiguous'],
    ['6시 기상', '06:00', 'ambiguous'],
    ['6시 반 아침 운동', '06:30', 'ambiguous'],
    ['breakfast at 6', '06:00', 'ambiguous'],
    ['아침에 말한 3시 회의', '15:00', 'ambiguous'],
    ['저녁은 맛있었고, 7시 회의', '07:00', 'ambiguous'],
  ])('the words around an hour decide its half of the day: %s is %s, %s', (text, start, half) => {
    expect(parseTimes(text)).toMatchObject({ start, startCertainty: half });
  });

  test.each([
    ['24시', 'next'],
    ['오늘 밤 1시', 'next'],
    ['오늘 자정', 'next'],
    ['tonight at midnight', 'next'],
    ['내일 자정', 'either'],
    ['midnight', 'either'],
    ['0시', 'same'],
    ['새벽 1시', 'same'],
    ['정오', 'same'],
  ])('the time "%s" belongs to this day: %s', (text, turn) => {
    expect(parseTimes(text)).toMatchObject({ dayShift: turn });
  });

  test('every hour and minute of a day is parsed unchanged', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 23 }),
        fc.integer({ min: 0, max: 59 }),
        (hour, minute) => {
          const two = (value: number) => String(value).padStart(2, '0');
          expect(shown(`${two(hour)}:${two(minute)}`)).toBe(`${two(hour)}:${two(minute)}`);
          const half = hour < 12 ? '오전' : '오후';
          expect(shown(`${half} ${hour % 12 === 0 ? 12 : hour % 12}시 ${minute}분`)).toBe(
            `${two(hour)}:${two(minute)}`,
          );
        },
      ),
    );
  });

  test('the parser throws for no text', () => {
    const words = fc.array(
      fc.constantFrom(
        '3',
        '시',
        '반',
        '오후',
        ':',
        '30',
        '분',
        '~',
        'pm',
        'to',
        ' ',
        '\udfff',
        '부터',
      ),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          words.map((parts) => parts.join('')),
        ),
        (text) => {
          const reading = parseTimes(text);
          if (reading?.ok) expect(reading.start).toMatch(/^(?:[01]\d|2[0-3]):[0-5]\d$/);
        },
      ),
      { numRuns: 500 },
    );
  });
});
