/**
 * One rule for EXDATE, RDATE and RECURRENCE-ID. For an event with a time, a day means that day at the time of the
 * start. For an all-day event, a time means its day in its own zone; a time in UTC means its day in the zone of the
 * calendar.
 */
import { describe, expect, test } from 'vitest';
import { bareCalendar, calendarCase } from './calendar-texts.ts';
import { look, seenIn } from './seen-occurrences.ts';

const inJanuary = (ics: string, zone?: string): string[] =>
  seenIn(ics, '2027-01-01', '2027-01-31', zone);
const event = (...lines: string[]): string => ['UID:d', 'SUMMARY:x', ...lines].join('\n');
const timed = ['DTSTART;TZID=Asia/Seoul:20270111T090000', 'DURATION:PT1H'];
const days = ['DTSTART;VALUE=DATE:20270111'];
const daily = 'RRULE:FREQ=DAILY;COUNT=4';

describe('a calendar file of another program', () => {
  test.each([
    [
      '11-exdate-with-time-on-all-day.ics',
      ['11 all day 종일', '12 all day 종일', '14 all day 종일'],
    ],
    ['11-rdate-date-on-timed.ics', ['11 09:00-10:00 추가', '13 09:00-10:00 추가']],
    [
      '11-recurrence-id-date-on-timed.ics',
      ['11 09:00-09:00 매일', '12 15:00-15:00 옮김', '13 09:00-09:00 매일'],
    ],
  ])('%s has its exceptions applied by the rule', (name, expected) => {
    expect(inJanuary(calendarCase(name))).toEqual(expected);
  });
});

describe('an EXDATE that leaves out 13 January', () => {
  test.each([
    ['as a day', 'EXDATE;VALUE=DATE:20270113'],
    ['as a day without its type', 'EXDATE:20270113'],
    ['in UTC', 'EXDATE:20270113T000000Z'],
    ['in another zone', 'EXDATE;TZID=America/New_York:20270112T190000'],
    ['with an offset', 'EXDATE:20270113T090000+0900'],
    ['without a zone', 'EXDATE:20270113T090000'],
    ['in a list of days and times', 'EXDATE:20270220,20270113T000000Z,20270221T000000Z'],
    ['in a list with semicolons', 'EXDATE:20270220T090000;20270113T090000'],
    ['in a list with a value that is no time', 'EXDATE:20270113T000000Z,never'],
    ['in a second line', 'EXDATE:20270220T090000Z\nEXDATE;VALUE=DATE:20270113'],
    ['as a day with midnight', 'EXDATE;VALUE=DATE:20270113T000000'],
  ])('is applied to an event with a time, written %s', (_, line) => {
    const { seen } = look(bareCalendar([event(...timed, daily, line)]), '2027-01-01', '2027-01-31');
    expect(seen).toEqual(['11', '12', '14'].map((day) => `${day} 09:00-10:00 x`));
  });

  test.each([
    ['with a time of its zone', 'EXDATE;TZID=Asia/Seoul:20270113T090000', []],
    ['with midnight of its zone', 'EXDATE;TZID=Asia/Seoul:20270113T000000', []],
    ['with a time without a zone', 'EXDATE:20270113T230000', []],
    ['with midnight in UTC', 'EXDATE:20270113T000000Z', []],
    [
      'with midnight of the calendar in UTC',
      'EXDATE:20270112T150000Z',
      ['X-WR-TIMEZONE:Asia/Seoul'],
    ],
    [
      'with an evening of the calendar in UTC',
      'EXDATE:20270113T130000Z',
      ['X-WR-TIMEZONE:Asia/Seoul'],
    ],
    ['with an offset', 'EXDATE:20270113T090000+0900', []],
  ])('is applied to an all-day event in every zone of the user, written %s', (_, line, head) => {
    const ics = bareCalendar([event(...days, daily, line)], ['VERSION:2.0', ...head]);
    for (const zone of ['Asia/Seoul', 'America/Los_Angeles', 'Pacific/Kiritimati']) {
      expect(inJanuary(ics, zone)).toEqual(['11', '12', '14'].map((day) => `${day} all day x`));
    }
  });

  test('in UTC is read in the zone of the user if the file names no zone', () => {
    const ics = bareCalendar([event(...days, daily, 'EXDATE:20270112T150000Z')]);
    expect(inJanuary(ics, 'Asia/Seoul')).toEqual(
      ['11', '12', '14'].map((day) => `${day} all day x`),
    );
  });

  test('as a day leaves out all times of that day', () => {
    const rule = 'RRULE:FREQ=DAILY;COUNT=6;BYHOUR=9,15';
    const ics = bareCalendar([event(...timed, rule, 'EXDATE;VALUE=DATE:20270112')]);
    expect(inJanuary(ics)).toEqual(
      ['11 09', '11 15', '13 09', '13 15'].map((at) =>
        `${at}:00-${Number(at.slice(3)) + 1}:00 x`.replace('-10', '-10'),
      ),
    );
  });
});

describe('an RDATE that adds 20 January', () => {
  test.each([
    ['as a day', 'RDATE;VALUE=DATE:20270120', '20 09:00-10:00 x'],
    ['as a day without its type', 'RDATE:20270120', '20 09:00-10:00 x'],
    ['in UTC', 'RDATE:20270120T000000Z', '20 09:00-10:00 x'],
    ['with an offset', 'RDATE:20270120T090000+09:00', '20 09:00-10:00 x'],
    [
      'as a period with an end',
      'RDATE;VALUE=PERIOD:20270120T010000Z/20270120T030000Z',
      '20 10:00-12:00 x',
    ],
    [
      'as a period with a length',
      'RDATE;VALUE=PERIOD;TZID=Asia/Seoul:20270120T100000/PT3H',
      '20 10:00-13:00 x',
    ],
    ['as a period without its type', 'RDATE:20270120T010000Z/PT30M', '20 10:00-10:30 x'],
    [
      'twice',
      'RDATE:20270120T000000Z,20270120T000000Z\nRDATE;VALUE=DATE:20270120',
      '20 09:00-10:00 x',
    ],
  ])('is applied to an event with a time, written %s', (_, line, expected) => {
    expect(inJanuary(bareCalendar([event(...timed, line)]))).toEqual([
      '11 09:00-10:00 x',
      expected,
    ]);
  });

  test.each([
    ['a time of its zone', 'RDATE;TZID=Asia/Seoul:20270120T233000'],
    ['a time without a zone', 'RDATE:20270120T090000'],
    ['midnight in UTC', 'RDATE:20270120T000000Z'],
  ])('is applied to an all-day event, written as %s', (_, line) => {
    expect(inJanuary(bareCalendar([event(...days, line)]))).toEqual([
      '11 all day x',
      '20 all day x',
    ]);
  });
});

describe('a RECURRENCE-ID of 13 January', () => {
  test.each([
    ['as a day', 'RECURRENCE-ID;VALUE=DATE:20270113'],
    ['as a day without its type', 'RECURRENCE-ID:20270113'],
    ['in UTC', 'RECURRENCE-ID:20270113T000000Z'],
    ['with an offset', 'RECURRENCE-ID:20270113T090000+0900'],
    ['without a zone', 'RECURRENCE-ID:20270113T090000'],
    ['in another zone', 'RECURRENCE-ID;TZID=Europe/Berlin:20270113T010000'],
  ])('is applied to an event with a time, written %s', (_, line) => {
    const moved = event('DTSTART;TZID=Asia/Seoul:20270113T150000', 'DURATION:PT1H', line);
    const ics = bareCalendar([moved, event(...timed, daily)]);
    expect(inJanuary(ics)).toEqual(
      ['11 09:00-10:00', '12 09:00-10:00', '13 15:00-16:00', '14 09:00-10:00'].map(
        (at) => `${at} x`,
      ),
    );
  });

  test.each([
    ['a time of its zone', 'RECURRENCE-ID;TZID=Asia/Seoul:20270113T000000'],
    ['a time without a zone', 'RECURRENCE-ID:20270113T090000'],
    ['midnight in UTC', 'RECURRENCE-ID:20270113T000000Z'],
    ['a day without its type', 'RECURRENCE-ID:20270113'],
  ])('is applied to an all-day event, written as %s', (_, line) => {
    const moved = event('DTSTART;VALUE=DATE:20270120', line);
    const ics = bareCalendar([event(...days, daily), moved]);
    expect(inJanuary(ics)).toEqual(['11', '12', '14', '20'].map((day) => `${day} all day x`));
  });

  test('with RANGE=THISANDFUTURE, as a day, is applied to all later instances too', () => {
    const later = event(
      'DTSTART;TZID=Asia/Seoul:20270113T150000',
      'DURATION:PT1H',
      'RECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20270113',
    );
    const ics = bareCalendar([event(...timed, daily), later]);
    expect(inJanuary(ics)).toEqual(
      ['11 09:00-10:00', '12 09:00-10:00', '13 15:00-16:00', '14 15:00-16:00'].map(
        (at) => `${at} x`,
      ),
    );
  });
});

describe('an EXRULE (RFC 2445)', () => {
  test.each([
    ['a weekday', 'EXRULE:FREQ=WEEKLY;BYDAY=WE', ['11', '12', '14']],
    ['the first time where it has it', 'EXRULE:FREQ=WEEKLY;BYDAY=MO,TU', ['13', '14']],
    ['every second day', 'EXRULE:FREQ=DAILY;INTERVAL=2;COUNT=5', ['12', '14']],
    [
      'nothing that it does not have',
      'EXRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=1',
      ['11', '12', '13', '14'],
    ],
    ['in lower case', 'exrule:freq=weekly;byday=we', ['11', '12', '14']],
  ])('leaves out %s', (_, line, expected) => {
    const ics = bareCalendar([event(...timed, daily, line)]);
    expect(inJanuary(ics)).toEqual(expected.map((day) => `${day} 09:00-10:00 x`));
  });
});
