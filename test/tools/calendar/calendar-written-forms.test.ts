/**
 * Forms of calendar programs outside RFC 5545, and damaged text: parsed, or reported while the other events are read.
 */
import { describe, expect, test } from 'vitest';
import { exportIcs } from '#tools/calendar/ics-transfer';
import { bareCalendar, calendarCase } from './calendar-texts.ts';
import { localCalendar } from './local-calendar-setting.ts';
import { look, seenIn } from './seen-occurrences.ts';

const inJanuary = (ics: string, zone?: string): string[] =>
  seenIn(ics, '2027-01-01', '2027-01-31', zone);
const event = (...lines: string[]): string => ['UID:w', ...lines, 'SUMMARY:x'].join('\n');
const one = (...lines: string[]): string => bareCalendar([event(...lines)]);

describe('a calendar file of another program', () => {
  test.each([
    ['12-date-without-value-date.ics', ['15-16 all day 휴가']],
    ['12-rrule-lower-case.ics', ['11 09:00-09:00 소문자', '12 09:00-09:00 소문자']],
    [
      '08-same-uid-different-events.ics',
      ['15 09:00-09:00 국어', '16 09:00-09:00 수학', '17 09:00-09:00 영어'],
    ],
  ])('%s is parsed', (name, expected) => {
    expect(inJanuary(calendarCase(name))).toEqual(expected);
  });

  test('09-fold-inside-character.ics is parsed as text with both events', () => {
    const { seen } = look(calendarCase('09-fold-inside-character.ics'), '2027-01-15', '2027-01-16');
    expect(seen).toHaveLength(2);
  });

  test('12-bom.json is imported', async () => {
    const local = await localCalendar();
    const { request } = JSON.parse(calendarCase('12-bom.json')) as { request: { ics: string } };
    expect(await local.bringIn(request.ics)).toMatchObject({ added: 1, unreadable: [] });
    await local.close();
  });
});

describe('an all-day event', () => {
  test.each([
    ['without VALUE=DATE', ['DTSTART:20270115', 'DTEND:20270117'], '15-16'],
    [
      'with a zone',
      ['DTSTART;TZID=Asia/Seoul:20270115', 'DTEND;TZID=Asia/Seoul:20270117'],
      '15-16',
    ],
    ['in ISO 8601', ['DTSTART:2027-01-15', 'DTEND:2027-01-17'], '15-16'],
    [
      'with its type and midnight',
      ['DTSTART;VALUE=DATE:20270115T000000', 'DTEND;VALUE=DATE:20270117T000000'],
      '15-16',
    ],
    ['with another type', ['DTSTART;VALUE=DATE-TIME:20270115', 'DURATION:P2D'], '15-16'],
    [
      'that ends on its own day',
      ['DTSTART;VALUE=DATE:20270115', 'DTEND;VALUE=DATE:20270115'],
      '15',
    ],
    ['without an end', ['DTSTART:20270115'], '15'],
    ['with an empty end', ['DTSTART:20270115', 'DTEND:'], '15'],
    [
      'that Outlook marks',
      [
        'DTSTART;TZID=Korea Standard Time:20270115T000000',
        'DTEND;TZID=Korea Standard Time:20270117T000000',
        'X-MICROSOFT-CDO-ALLDAYEVENT:TRUE',
      ],
      '15-16',
    ],
    [
      'that Outlook marks, in UTC',
      ['DTSTART:20270114T150000Z', 'DTEND:20270116T150000Z', 'X-MICROSOFT-CDO-ALLDAYEVENT:TRUE'],
      '15-16',
    ],
    [
      'that Outlook marks, of Berlin in UTC',
      ['DTSTART:20270114T230000Z', 'DTEND:20270116T230000Z', 'x-microsoft-cdo-alldayevent:true'],
      '15-16',
    ],
    [
      'that Outlook marks, of New York in UTC',
      ['DTSTART:20270115T050000Z', 'DTEND:20270117T050000Z', 'X-MICROSOFT-CDO-ALLDAYEVENT:TRUE'],
      '15-16',
    ],
    [
      'that a phone marks',
      ['DTSTART:20270115T000000', 'DTEND:20270115T235900', 'X-FUNAMBOL-ALLDAY:1'],
      '15',
    ],
  ])('is on the same days in every zone: %s', (_, lines, days) => {
    for (const zone of ['Asia/Seoul', 'America/Los_Angeles', 'Pacific/Kiritimati']) {
      expect(inJanuary(one(...lines), zone)).toEqual([`${days} all day x`]);
    }
  });

  test('of Outlook in UTC repeats on days, without its exceptions', () => {
    const lines = [
      'DTSTART:20270110T150000Z',
      'DTEND:20270111T150000Z',
      'X-MICROSOFT-CDO-ALLDAYEVENT:TRUE',
    ];
    const rule = ['RRULE:FREQ=DAILY;UNTIL=20270113T150000Z', 'EXDATE:20270111T150000Z'];
    expect(inJanuary(one(...lines, ...rule))).toEqual(
      ['11', '13', '14'].map((day) => `${day} all day x`),
    );
  });

  test('is not made from an event with X-MICROSOFT-CDO-ALLDAYEVENT:FALSE', () => {
    expect(inJanuary(one('DTSTART:20270115T000000Z', 'X-MICROSOFT-CDO-ALLDAYEVENT:FALSE'))).toEqual(
      ['15 09:00-09:00 x'],
    );
  });
});

describe('a date and time', () => {
  test.each([
    ['without seconds', 'DTSTART;TZID=Asia/Seoul:20270115T0900'],
    ['in ISO 8601', 'DTSTART;TZID=Asia/Seoul:2027-01-15T09:00:00'],
    ['with parts of a second', 'DTSTART:2027-01-15T00:00:00.000Z'],
    ['in lower case', 'dtstart:20270115t000000z'],
    ['with spaces around it', 'DTSTART: 20270115T000000Z '],
    ['with a quoted zone', 'DTSTART;TZID="Asia/Seoul":20270115T090000'],
    ['with a zone in lower case', 'DTSTART;TZID=asia/seoul:20270115T090000'],
    [
      'with the zone of libical',
      'DTSTART;TZID=/freeassociation.sourceforge.net/Asia/Seoul:20270115T090000',
    ],
    ['with the zone of Mozilla', 'DTSTART;TZID=/mozilla.org/20070129_1/Asia/Seoul:20270115T090000'],
    ['with a Windows zone', 'DTSTART;TZID=Korea Standard Time:20270115T090000'],
    ['with a Windows zone in Korean', 'DTSTART;TZID=대한민국 표준시:20270115T090000'],
    ['with a numbered Windows zone', 'DTSTART;TZID=Korea Standard Time 1:20270115T090000'],
    ['with a zone that is an offset', 'DTSTART;TZID=GMT+0900:20270115T090000'],
    ['with a zone that is a short offset', 'DTSTART;TZID=UTC+9:20270115T090000'],
    ['with a zone of Outlook, quoted', 'DTSTART;TZID="(UTC+09:00) Seoul":20270115T090000'],
    ['with a zone of Outlook, unquoted', 'DTSTART;TZID=(UTC+09:00) Seoul:20270115T090000'],
    ['with an abbreviation', 'DTSTART;TZID=KST:20270115T090000'],
    ['with the zone of Exchange for UTC', 'DTSTART;TZID=tzone://Microsoft/Utc:20270115T000000'],
    ['with a zone and a Z', 'DTSTART;TZID=Europe/Berlin:20270115T000000Z'],
    ['with an empty zone', 'DTSTART;TZID=:20270115T090000'],
  ])('is parsed in this form: %s', (_, line) => {
    expect(inJanuary(one(line, 'DURATION:PT30M'))).toEqual(['15 09:00-09:30 x']);
  });

  test.each([
    ['24:00 is the next day', 'DTSTART;TZID=Asia/Seoul:20270114T240000', '15 00:00-00:00 x'],
    [
      '24:00 as an end',
      'DTSTART;TZID=Asia/Seoul:20270115T230000\nDTEND;TZID=Asia/Seoul:20270115T240000',
      '15 23:00-00:00 x',
    ],
    ['second 60 is in its minute', 'DTSTART;TZID=Asia/Seoul:20270115T235960', '15 23:59-23:59 x'],
  ])('is parsed at the limit of the clock: %s', (_, line, expected) => {
    expect(inJanuary(one(line))).toEqual([expected]);
  });

  test.each([
    ['30 February', '20270230T090000'],
    ['month 13', '20271301'],
    ['25 hours', '20270115T250000Z'],
    ['24:30', '20270115T243000'],
    ['minute 75', '20270115T097500'],
    ['words', 'tomorrow'],
    ['nothing', ''],
  ])('that does not exist (%s) is reported, and the other events are read', (_, value) => {
    const ics = bareCalendar([
      event(`DTSTART:${value}`),
      'UID:fine\nDTSTART:20270115T000000Z\nSUMMARY:y',
    ]);
    const { seen, read } = look(ics, '2027-01-01', '2027-12-31');
    expect(seen).toEqual(['15 09:00-09:00 y']);
    expect(read.unreadable).toEqual([expect.stringMatching(/^w: (?:no )?DTSTART/)]);
  });

  test('in an unknown zone is read in the zone of the user, and the zone is reported', () => {
    const { seen, read } = look(
      one('DTSTART;TZID=Moon/Base:20270115T090000'),
      '2027-01-15',
      '2027-01-15',
      'Europe/Berlin',
    );
    expect(seen).toEqual(['15 09:00-09:00 x']);
    expect(read.dropped).toEqual([expect.stringContaining('Moon/Base')]);
  });
});

describe('X-WR-TIMEZONE', () => {
  const head = ['VERSION:2.0', 'X-WR-TIMEZONE:Asia/Seoul'];
  test.each([
    ['is the zone of a time without one', ['DTSTART:20270115T090000', 'DTEND:20270115T100000']],
    [
      'is not that of a time with one',
      ['DTSTART;TZID=Europe/Berlin:20270115T010000', 'DTEND;TZID=Europe/Berlin:20270115T020000'],
    ],
    ['is not that of a time in UTC', ['DTSTART:20270115T000000Z', 'DTEND:20270115T010000Z']],
    [
      'is not that of an end without a zone whose start has one',
      ['DTSTART;TZID=Europe/Berlin:20270115T010000', 'DTEND:20270115T020000'],
    ],
  ])('%s', (_, lines) => {
    const ics = bareCalendar([event(...lines)], head);
    expect(inJanuary(ics, 'Asia/Seoul')).toEqual(['15 09:00-10:00 x']);
    expect(inJanuary(ics, 'Europe/Berlin')).toEqual(['15 01:00-02:00 x']);
  });

  test('does not move the day of an all-day event', () => {
    const ics = bareCalendar([event('DTSTART:20270115')], head);
    expect(inJanuary(ics, 'America/New_York')).toEqual(['15 all day x']);
  });

  test('is kept when an entry is imported and exported again', async () => {
    const local = await localCalendar();
    await local.bringIn(bareCalendar([event('DTSTART:20270115T090000')], head));
    const text = await exportIcs(local.storage, 'minji', local.zones);
    expect(inJanuary(text, 'Europe/Berlin')).toEqual(['15 01:00-01:00 x']);
    expect(text).toContain('BEGIN:VTIMEZONE\r\nTZID:Asia/Seoul');
    await local.close();
  });
});

describe('the end of an event', () => {
  test.each([
    ['that is not there', ['DTSTART:20270115T000000Z'], '15 09:00-09:00 x', 0],
    ['that is empty', ['DTSTART:20270115T000000Z', 'DTEND:', 'DURATION:'], '15 09:00-09:00 x', 0],
    [
      'before the start',
      ['DTSTART:20270115T000000Z', 'DTEND:20270114T000000Z'],
      '15 09:00-09:00 x',
      1,
    ],
    ['before the start of a day', ['DTSTART:20270115', 'DTEND:20270110'], '15 all day x', 1],
    [
      'after a negative length',
      ['DTSTART:20270115T000000Z', 'DURATION:-PT1H'],
      '15 09:00-09:00 x',
      1,
    ],
    [
      'after a length that is none',
      ['DTSTART:20270115T000000Z', 'DURATION:an hour'],
      '15 09:00-09:00 x',
      1,
    ],
    ['that is no time', ['DTSTART:20270115T000000Z', 'DTEND:later'], '15 09:00-09:00 x', 1],
    [
      'after a length in lower case',
      ['DTSTART:20270115T000000Z', 'DURATION:pt1h'],
      '15 09:00-10:00 x',
      0,
    ],
    [
      'in another zone',
      ['DTSTART:20270115T000000Z', 'DTEND;TZID=Europe/Berlin:20270115T020000'],
      '15 09:00-10:00 x',
      0,
    ],
  ])('does not move its start: %s', (_, lines, expected, dropped) => {
    const { seen, read } = look(one(...lines), '2027-01-01', '2027-01-31');
    expect(seen).toEqual([expected]);
    expect(read.unreadable).toEqual([]);
    expect(read.dropped).toHaveLength(dropped);
    for (const line of read.dropped) expect(line).toMatch(/^w: /);
  });
});

describe('a recurrence rule', () => {
  test.each([
    ['in lower case', 'rrule:freq=daily;count=2'],
    ['with spaces', 'RRULE:FREQ=DAILY; COUNT = 2'],
    ['with an empty part and a last semicolon', 'RRULE:FREQ=DAILY;BYDAY=;COUNT=2;'],
    ['with its name twice', 'RRULE:RRULE:FREQ=DAILY;COUNT=2'],
    ['with UNTIL as a day', 'RRULE:FREQ=DAILY;UNTIL=20270112'],
    ['with UNTIL with an offset', 'RRULE:FREQ=DAILY;UNTIL=20270112T090000+0900'],
    ['with UNTIL in ISO 8601', 'RRULE:FREQ=DAILY;UNTIL=2027-01-12T00:00:00Z'],
    ['with UNTIL without a zone', 'RRULE:FREQ=DAILY;UNTIL=20270112T090000'],
    ['with UNTIL without seconds', 'RRULE:FREQ=DAILY;UNTIL=20270112T0000Z'],
  ])('is parsed in this form: %s', (_, line) => {
    const ics = one('DTSTART;TZID=Asia/Seoul:20270111T090000', line);
    expect(inJanuary(ics)).toEqual(['11 09:00-09:00 x', '12 09:00-09:00 x']);
  });
});

describe('the text of a calendar', () => {
  const textOf = (ics: string, name: 'title' | 'description' | 'location' = 'title'): string =>
    look(ics, '2027-01-15', '2027-01-15').read.entries[0]?.parts[0]?.[name] ?? '';
  const at = 'UID:w\nDTSTART:20270115T000000Z';
  test.each([
    ['with commas that are not escaped', 'SUMMARY:하나, 둘; 셋', '하나, 둘; 셋'],
    ['with commas that are', 'SUMMARY:하나\\, 둘\\; 셋', '하나, 둘; 셋'],
    ['with a capital escape of a line break', 'SUMMARY:하나\\N둘', '하나 둘'],
    ['with a colon and quotes', 'SUMMARY:"회의": 10:00', '"회의": 10:00'],
    ['with a language', 'SUMMARY;LANGUAGE=ko:회의', '회의'],
    ['with a quoted parameter that has a colon', 'SUMMARY;ALTREP="cid:a:b;c":회의', '회의'],
    ['with a quote that is never closed', 'SUMMARY;ALTREP="cid:회의', '회의'],
    ['with a line break that is not escaped', 'SUMMARY:하나\n둘과 셋', '하나 둘과 셋'],
    ['folded with a tab', 'SUMMARY:하\n\t나', '하나'],
    ['folded over an empty line', 'SUMMARY:하\n\n 나', '하나'],
    ['with control characters', 'SUMMARY:하\u0007나\u0000', '하나'],
  ])('is parsed in a summary: %s', (_, line, expected) => {
    expect(textOf(bareCalendar([`${at}\n${line}`]))).toBe(expected);
  });

  test.each([
    ['line feeds', '\n'],
    ['carriage returns', '\r'],
    ['a carriage return too many', '\r\r\n'],
    ['empty lines between', '\r\n\r\n'],
  ])('is parsed with %s as line ends', (_, ends) => {
    const ics = one('DTSTART:20270115T000000Z', 'DESCRIPTION:a\n b').replaceAll('\r\n', ends);
    expect(inJanuary(ics.replaceAll(`${ends} b`, `${ends} b`))).toEqual(['15 09:00-09:00 x']);
  });

  test.each([
    ['a mark of UTF-8 before it', (ics: string) => `\ufeff${ics}`],
    ['a mark of UTF-8 within it', (ics: string) => ics + `\ufeff${ics}`],
    [
      'spaces behind BEGIN and END',
      (ics: string) => ics.replaceAll(/(BEGIN|END):(\w+)/g, '$1:$2 '),
    ],
    [
      'BEGIN and END in lower case',
      (ics: string) => ics.replaceAll(/(BEGIN|END):(\w+)/g, (whole) => whole.toLowerCase()),
    ],
    ['mail headers before it', (ics: string) => `Content-Type: text/calendar\r\n\r\n${ics}`],
    ['no END:VEVENT', (ics: string) => ics.replace('END:VEVENT\r\n', '')],
    ['no END at all', (ics: string) => ics.replace(/END:[^]*$/, '')],
    [
      'no calendar around the event',
      (ics: string) => ics.replace(/^[^]*?(?=BEGIN:VEVENT)/, '').replace('END:VCALENDAR\r\n', ''),
    ],
    ['an END that nothing began', (ics: string) => ics.replace('SUMMARY', 'END:VALARM\r\nSUMMARY')],
    [
      'an alarm without an END',
      (ics: string) => ics.replace('END:VEVENT', 'BEGIN:VALARM\r\nTRIGGER:-PT5M\r\nEND:VEVENT'),
    ],
    [
      'a broken alarm',
      (ics: string) =>
        ics.replace('END:VEVENT', 'BEGIN:VALARM\r\nTRIGGER:soon\r\nEND:VALARM\r\nEND:VEVENT'),
    ],
    ['a broken position', (ics: string) => ics.replace('SUMMARY', 'GEO:here\r\nSUMMARY')],
    ['a line that is none', (ics: string) => ics.replace('SUMMARY', '=====\r\nSUMMARY')],
    [
      'a broken zone',
      (ics: string) =>
        ics.replace(
          'BEGIN:VEVENT',
          'BEGIN:VTIMEZONE\r\nTZID:Z\r\nBEGIN:STANDARD\r\nDTSTART:never\r\nRRULE:FREQ=x\r\nTZOFFSETTO:9\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\nBEGIN:VEVENT',
        ),
    ],
  ])('is parsed with %s', (_, change) => {
    expect(inJanuary(change(one('DTSTART:20270115T000000Z')))).toEqual(['15 09:00-09:00 x']);
  });

  test('has both events if the first has no END:VEVENT', () => {
    const ics = bareCalendar([
      event('DTSTART:20270115T000000Z'),
      'UID:z\nDTSTART:20270116T000000Z\nSUMMARY:z',
    ]);
    const cut = ics.replace('END:VEVENT\r\nBEGIN', 'BEGIN');
    expect(inJanuary(cut)).toEqual(['15 09:00-09:00 x', '16 09:00-09:00 z']);
  });

  test('identifies an event without a UID by its start and title, and drops its duplicate', () => {
    const ics = bareCalendar([
      'DTSTART:20270115T000000Z\nSUMMARY:이름',
      'DTSTART:20270115T000000Z\nSUMMARY:이름',
    ]);
    expect(inJanuary(ics)).toEqual(['15 09:00-09:00 이름']);
  });

  test('that is cut at any place is parsed or reported, without an internal error message', () => {
    const ics = bareCalendar([
      'UID:first\nDTSTART:20270114T000000Z\nSUMMARY:y',
      event(
        'DTSTART;TZID="Asia/Seoul":20270115T090000',
        'RRULE:FREQ=DAILY;COUNT=2',
        'EXDATE:20270116',
      ),
    ]);
    const first = ics.indexOf('END:VEVENT') + 'END:VEVENT'.length;
    for (let length = first; length < ics.length; length += 1) {
      const { seen, read } = look(ics.slice(0, length), '2027-01-01', '2027-01-31');
      expect(seen[0]).toBe('14 09:00-09:00 y');
      expect([...read.unreadable, ...read.dropped].join()).not.toMatch(
        /undefined|not a function|null/,
      );
    }
  });

  test('that contains other entries than events reports them', () => {
    const ics = one('DTSTART:20270115T000000Z').replace(
      'END:VCALENDAR',
      'BEGIN:VTODO\r\nUID:todo\r\nEND:VTODO\r\nEND:VCALENDAR',
    );
    expect(look(ics, '2027-01-15', '2027-01-15').read.dropped).toEqual([
      'todo: a VTODO is no event',
    ]);
  });
});
