import { describe, expect, test } from 'vitest';
import { createEventParser } from '#tools/calendar/event-parser';
import { occurrencesIn } from '#tools/calendar/occurrences';
import { wallClockTime, createZones, wallIsoDate, wallTime } from '#shared/calendar/zoned-time';
import { calendarOf, seoulZone } from './calendar-texts.ts';
import { seenIn } from './seen-occurrences.ts';

const reader = createEventParser(createZones());
const seen = seenIn;

const standup = `UID:s
DTSTART;TZID=Asia/Seoul:20261102T090000
DTEND;TZID=Asia/Seoul:20261102T093000
RRULE:FREQ=WEEKLY;BYDAY=MO,WE
SUMMARY:회의`;

describe('occurrences', () => {
  test('of a weekly meeting are on its days, without its exception', () => {
    const ics = calendarOf([`${standup}\nEXDATE;TZID=Asia/Seoul:20261118T090000`], [seoulZone]);
    expect(seen(ics, '2026-11-16', '2026-11-25')).toEqual([
      '16 09:00-09:30 회의',
      '23 09:00-09:30 회의',
      '25 09:00-09:30 회의',
    ]);
  });

  test.each([
    ['in UTC', 'EXDATE:20261118T000000Z'],
    ['as a day', 'EXDATE;VALUE=DATE:20261118'],
    ['without a zone', 'EXDATE:20261118T090000'],
    ['in one list with others', 'EXDATE;TZID=Asia/Seoul:20261111T090000,20261118T090000'],
  ])('leave out an EXDATE that is written %s', (_, line) => {
    expect(seen(calendarOf([`${standup}\n${line}`]), '2026-11-18', '2026-11-18')).toEqual([]);
  });

  test.each([
    ['excluded', 'EXDATE:20270314T073000Z', [], ['21 15:30-16:30 g']],
    [
      'moved',
      '',
      ['UID:g\nRECURRENCE-ID:20270314T073000Z\nDTSTART:20270316T010000Z\nDURATION:PT1H\nSUMMARY:g'],
      ['16 10:00-11:00 g', '21 15:30-16:30 g'],
    ],
    [
      'moved with all later ones',
      '',
      [
        'UID:g\nRECURRENCE-ID;RANGE=THISANDFUTURE:20270314T073000Z\nDTSTART;TZID=America/New_York:20270314T090000\nDURATION:PT1H\nSUMMARY:g',
      ],
      ['14 22:00-23:00 g', '21 22:00-23:00 g'],
    ],
  ])('are %s by the instant in UTC of a time that the clocks skip', (_, line, others, expected) => {
    const start = 'DTSTART;TZID=America/New_York:20270307T023000\nDURATION:PT1H';
    const weekly = `UID:g\n${start}\nRRULE:FREQ=WEEKLY;COUNT=3\nSUMMARY:g\n${line}`.trim();
    const ics = calendarOf([weekly, ...others]);
    expect(seen(ics, '2027-03-14', '2027-03-21')).toEqual(expected);
  });

  test('have a moved instance at its new time only', () => {
    const moved = `UID:s
RECURRENCE-ID;TZID=Asia/Seoul:20261116T090000
DTSTART;TZID=Asia/Seoul:20261119T140000
DTEND;TZID=Asia/Seoul:20261119T150000
SUMMARY:회의(목요일로)`;
    const ics = calendarOf([standup, moved]);
    expect(seen(ics, '2026-11-16', '2026-11-19')).toEqual([
      '18 09:00-09:30 회의',
      '19 14:00-15:00 회의(목요일로)',
    ]);
    expect(seen(ics, '2026-11-16', '2026-11-16')).toEqual([]);
    expect(seen(ics, '2026-11-19', '2026-11-19')).toEqual(['19 14:00-15:00 회의(목요일로)']);
  });

  test.each([
    ['DURATION:P1D', '14 09:00'],
    ['DURATION:P1DT1H', '14 10:00'],
    ['DURATION:PT24H', '14 10:00'],
    ['DTEND;TZID=America/New_York:20270313T090000', '14 10:00'],
  ])('end correctly after a night of 23 hours: %s ends at %s', (line, end) => {
    const start = 'DTSTART;TZID=America/New_York:20270312T090000';
    const ics = calendarOf([`UID:d\n${start}\n${line}\nRRULE:FREQ=DAILY`]);
    const { entries } = reader.parse(ics);
    const [from, to] = [wallTime(2027, 3, 13), wallTime(2027, 3, 14)];
    const { occurrences } = occurrencesIn(entries, { from, to }, 'America/New_York', createZones());
    const last = occurrences.at(-1)?.end ?? 0;
    expect(`${wallIsoDate(last).slice(8)} ${wallClockTime(last)}`).toBe(end);
  });

  test('leave out a cancelled instance and a cancelled event', () => {
    const cancelled = `UID:s
RECURRENCE-ID:20261118T000000Z
DTSTART;TZID=Asia/Seoul:20261118T090000
STATUS:CANCELLED
SUMMARY:회의`;
    expect(seen(calendarOf([standup, cancelled]), '2026-11-18', '2026-11-18')).toEqual([]);
    expect(seen(calendarOf([`${standup}\nSTATUS:CANCELLED`]), '2026-11-18', '2026-11-18')).toEqual(
      [],
    );
  });

  test('have a change with RANGE=THISANDFUTURE from its instance on', () => {
    const later = `UID:s
RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Asia/Seoul:20261118T090000
DTSTART;TZID=Asia/Seoul:20261118T103000
DTEND;TZID=Asia/Seoul:20261118T110000
SUMMARY:늦은 회의`;
    expect(seen(calendarOf([standup, later]), '2026-11-16', '2026-11-23')).toEqual([
      '16 09:00-09:30 회의',
      '18 10:30-11:00 늦은 회의',
      '23 10:30-11:00 늦은 회의',
    ]);
  });

  test('of an all-day entry are on the same days in every zone', () => {
    const ics = calendarOf([
      'UID:t\nDTSTART;VALUE=DATE:20261120\nDTEND;VALUE=DATE:20261122\nSUMMARY:여행',
    ]);
    for (const zone of ['Asia/Seoul', 'America/Los_Angeles', 'Pacific/Kiritimati']) {
      expect(seen(ics, '2026-11-20', '2026-11-20', zone)).toEqual(['20-21 all day 여행']);
      expect(seen(ics, '2026-11-21', '2026-11-21', zone)).toEqual(['20-21 all day 여행']);
      expect(seen(ics, '2026-11-19', '2026-11-19', zone)).toEqual([]);
      expect(seen(ics, '2026-11-22', '2026-11-22', zone)).toEqual([]);
    }
  });

  test('of a floating time have that time in the zone of the user', () => {
    const ics = calendarOf(['UID:f\nDTSTART:20261119T073000\nDTEND:20261119T080000\nSUMMARY:운동']);
    expect(seen(ics, '2026-11-19', '2026-11-19', 'Europe/Berlin')).toEqual(['19 07:30-08:00 운동']);
    expect(seen(ics, '2026-11-19', '2026-11-19')).toEqual(['19 07:30-08:00 운동']);
  });

  test('of a weekly call in New York move in Seoul when New York changes its clocks', () => {
    const ics = calendarOf([
      'UID:n\nDTSTART;TZID=America/New_York:20261026T200000\nDURATION:PT1H\nRRULE:FREQ=WEEKLY\nSUMMARY:call',
    ]);
    expect(seen(ics, '2026-10-27', '2026-11-03')).toEqual([
      '27 09:00-10:00 call',
      '03 10:00-11:00 call',
    ]);
  });

  test('include the last time of a series whose UNTIL is written in UTC', () => {
    const ics = calendarOf([
      'UID:u\nDTSTART;TZID=Asia/Seoul:20261102T090000\nRRULE:FREQ=DAILY;UNTIL=20261104T000000Z\nSUMMARY:약',
    ]);
    expect(seen(ics, '2026-11-01', '2026-11-30')).toEqual([
      '02 09:00-09:00 약',
      '03 09:00-09:00 약',
      '04 09:00-09:00 약',
    ]);
  });

  test('over midnight are on both days, and those that end at midnight on the first day only', () => {
    const ics = calendarOf([
      'UID:a\nDTSTART:20261118T220000\nDTEND:20261119T010000\nSUMMARY:야근',
      'UID:b\nDTSTART:20261118T230000\nDTEND:20261119T000000\nSUMMARY:자정까지',
    ]);
    expect(seen(ics, '2026-11-19', '2026-11-19')).toEqual(['18 22:00-01:00 야근']);
    expect(seen(ics, '2026-11-18', '2026-11-18')).toHaveLength(2);
  });

  test('include an RDATE, and a changed instance without its series', () => {
    const ics = calendarOf([
      'UID:r\nDTSTART:20261102T090000\nRDATE:20261118T090000\nSUMMARY:또',
      'UID:o\nRECURRENCE-ID:20261001T090000\nDTSTART:20261118T110000\nSUMMARY:초대',
    ]);
    expect(seen(ics, '2026-11-18', '2026-11-18')).toEqual([
      '18 09:00-09:00 또',
      '18 11:00-11:00 초대',
    ]);
  });

  test('of the other events are listed if one event cannot be parsed', () => {
    const { entries, unreadable } = reader.parse(
      calendarOf(['UID:bad\nSUMMARY:no start', standup]),
    );
    expect(entries.map((entry) => entry.uid)).toEqual(['s']);
    expect(unreadable).toHaveLength(1);
    const broken = 'UID:rule\nDTSTART:20261118T090000\nRRULE:FREQ=DAILY;BYHOUR=99\nSUMMARY:x';
    const rest = reader.parse(calendarOf([broken, standup], [seoulZone]));
    expect(rest.entries.map((entry) => entry.uid)).toEqual(['s']);
    expect(rest.unreadable).toHaveLength(1);
    expect(reader.parse('<html>login</html>').unreadable).toHaveLength(1);
  });
});

describe('the name of a zone', () => {
  const at = (tzid: string, zone = ''): string[] =>
    seen(
      calendarOf(
        [`UID:z\nDTSTART;TZID=${tzid}:20260718T090000\nDURATION:PT1H\nSUMMARY:z`],
        zone === '' ? [] : [zone],
      ),
      '2026-07-17',
      '2026-07-19',
    );

  test.each([
    ['an IANA name', 'Europe/Berlin', '18 16:00-17:00 z'],
    ['a Windows name', 'W. Europe Standard Time', '18 16:00-17:00 z'],
    ['a name with a path in front', '"/example.org/20050126_1/Europe/Berlin"', '18 16:00-17:00 z'],
    ['the Korean Windows name', 'Korea Standard Time', '18 09:00-10:00 z'],
    ['a Windows name without a city in Korea', 'Myanmar Standard Time', '18 11:30-12:30 z'],
    ['a Windows name of the southern summer', 'Chatham Islands Standard Time', '18 05:15-06:15 z'],
    ['a Windows name in lower case', 'pacific standard time', '19 01:00-02:00 z'],
    ['a Windows name of daylight time', 'Pacific Daylight Time', '19 01:00-02:00 z'],
    ['a Windows name of Webex', 'Eastern Time', '18 22:00-23:00 z'],
    ['a numbered Windows name', 'Eastern Standard Time 2', '18 22:00-23:00 z'],
    ['a Windows name in Korean', '태평양 표준시', '19 01:00-02:00 z'],
    ['a Windows name that is an offset', 'UTC-02', '18 20:00-21:00 z'],
    ['a display name', '"(UTC-05:00) Eastern Time (US & Canada)"', '18 22:00-23:00 z'],
    ['a display name without quotes', '(GMT+01.00) Sarajevo/Warsaw/Zagreb', '18 16:00-17:00 z'],
    [
      'a display name with a city',
      '"(UTC+01:00) Brussels, Copenhagen, Madrid"',
      '18 16:00-17:00 z',
    ],
    ['a display name of UTC', '"(UTC) Dublin, Edinburgh, Lisbon, London"', '18 17:00-18:00 z'],
    ['a display name in Japanese', '"(UTC+09:00) 大阪、札幌、東京"', '18 09:00-10:00 z'],
    ['a display name without a known city', '"(UTC-03:00) Brasilia"', '18 21:00-22:00 z'],
    [
      'a display name with a city of another offset',
      '"(UTC+08:00) Beijing, Urumqi"',
      '18 10:00-11:00 z',
    ],
    ['an offset with a comment', '"GMT+0900 (KST)"', '18 09:00-10:00 z'],
    [
      'a custom zone of Exchange without a definition',
      'tzone://Microsoft/Custom',
      '18 09:00-10:00 z',
    ],
    ['an offset that does not exist', '"(UTC+99:00) Nowhere"', '18 09:00-10:00 z'],
  ])('is known without its definition: %s', (_, tzid, expected) => {
    expect(at(tzid)).toEqual([expected]);
  });

  test("of the file's own means its definition", () => {
    const zone = `TZID:Customized Time Zone
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT`;
    expect(at('Customized Time Zone', zone)).toEqual(['18 16:00-17:00 z']);
  });

  test('with a definition whose rule never applies is resolved without an endless loop', () => {
    const zone = `TZID:Trap
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0000
TZOFFSETTO:+0530
RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30
END:STANDARD`;
    expect(at('Trap', zone)).toEqual(['18 12:30-13:30 z']);
  });

  test('without a definition leaves the time as it is written', () => {
    expect(at('My Zone')).toEqual(['18 09:00-10:00 z']);
  });
});
