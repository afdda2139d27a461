/** Forms of vCalendar 1.0 that phones and old programs still write: offsets, quoted-printable, old rules. */
import { describe, expect, test } from 'vitest';
import { normalizeRule } from '#tools/calendar/normalize-rule';
import { bareCalendar, calendarCase } from './calendar-texts.ts';
import { look, seenIn } from './seen-occurrences.ts';

const inJanuary = (ics: string): string[] => seenIn(ics, '2027-01-01', '2027-01-31');
const old = (...lines: string[]): string =>
  bareCalendar([['UID:o', ...lines].join('\n')], ['VERSION:1.0', 'PRODID:-//phone//EN']);

describe('a calendar file of another program', () => {
  test('10-offset-after-time-and-qp.ics has its event at 05:40 in Seoul, with its location', () => {
    const { seen, read } = look(
      calendarCase('10-offset-after-time-and-qp.ics'),
      '2027-01-16',
      '2027-01-16',
    );
    expect(seen).toEqual(['16 05:40-08:09 Your Itinerary: MEX-AUS']);
    expect(read.entries[0]?.parts[0]?.location).toBe('Benito Juarez');
  });

  test('10-qp-korean.ics has a Korean title', () => {
    expect(inJanuary(calendarCase('10-qp-korean.ics'))).toEqual(['15 09:00-09:00 치과 예약']);
  });
});

describe('a time with an offset', () => {
  test.each([
    ['as vCalendar writes it', '20270116T054000+0900'],
    ['with a colon', '20270116T054000+09:00'],
    ['of hours', '20270116T054000+09'],
    ['as ISO 8601', '2027-01-16T05:40:00+09:00'],
    ['west of Greenwich', '20270115T154000-0500'],
    ['of half an hour', '20270116T021000+0530'],
    ['of nothing', '20270115T204000+0000'],
    ['that is more than its TZID', '20270116T054000+0900', ';TZID=Europe/Berlin'],
  ])('is read as its instant in this form: %s', (_, written, params = '') => {
    expect(inJanuary(old(`DTSTART${params}:${written}`, 'SUMMARY:x'))).toEqual([
      '16 05:40-05:40 x',
    ]);
  });

  test('keeps its weekday in a rule: Saturday in Seoul is Friday in UTC', () => {
    const ics = old(
      'DTSTART:20270116T054000+0900',
      'RRULE:FREQ=WEEKLY;BYDAY=SA;COUNT=2',
      'SUMMARY:x',
    );
    expect(inJanuary(ics)).toEqual(['16 05:40-05:40 x', '23 05:40-05:40 x']);
  });
});

describe('a quoted-printable title', () => {
  const korean = '=EC=B9=98=EA=B3=BC=20=EC=98=88=EC=95=BD';
  const cp949 = '=C4=A1=B0=FA=20=BF=B9=BE=E0';
  test.each([
    ['with its charset', `SUMMARY;ENCODING=QUOTED-PRINTABLE;CHARSET=UTF-8:${korean}`],
    [
      'with its parameters turned around',
      `SUMMARY;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:${korean}`,
    ],
    ['without a charset', `SUMMARY;ENCODING=QUOTED-PRINTABLE:${korean}`],
    ['without the name of the parameter', `SUMMARY;QUOTED-PRINTABLE:${korean}`],
    ['in lower case', `summary;encoding=quoted-printable;charset=utf-8:${korean.toLowerCase()}`],
    ['in EUC-KR', `SUMMARY;CHARSET=EUC-KR;ENCODING=QUOTED-PRINTABLE:${cp949}`],
    ['in ks_c_5601-1987', `SUMMARY;CHARSET=ks_c_5601-1987;ENCODING=QUOTED-PRINTABLE:${cp949}`],
    ['in CP949 that is called UTF-8', `SUMMARY;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:${cp949}`],
    [
      'with a soft break',
      `SUMMARY;ENCODING=QUOTED-PRINTABLE:${korean.slice(0, 18)}=\n${korean.slice(18)}`,
    ],
    [
      'with a soft break within a character',
      `SUMMARY;ENCODING=QUOTED-PRINTABLE:${korean.slice(0, 6)}=\n${korean.slice(6)}`,
    ],
    [
      'with a soft break and a fold within a character',
      `SUMMARY;ENCODING=QUOTED-PRINTABLE:${korean.slice(0, 6)}=\n ${korean.slice(6)}`,
    ],
    [
      'with a soft break before a space',
      'SUMMARY;ENCODING=QUOTED-PRINTABLE:=EC=B9=98=EA=B3=BC=\n =EC=98=88=EC=95=BD',
    ],
    [
      'with three soft breaks',
      `SUMMARY;ENCODING=QUOTED-PRINTABLE:${korean.match(/.{1,12}/g)?.join('=\n')}`,
    ],
    ['with a soft break that nothing follows', `SUMMARY;ENCODING=QUOTED-PRINTABLE:${korean}=`],
    ['in base64', 'SUMMARY;ENCODING=BASE64:7LmY6rO8IOyYiOyVvQ=='],
    ['that is only the charset', 'SUMMARY;CHARSET=UTF-8:치과 예약'],
  ])('is decoded in this form: %s', (_, summary) => {
    const ics = old('DTSTART:20270115T000000Z', summary, 'DTEND:20270115T010000Z');
    expect(inJanuary(ics)).toEqual(['15 09:00-10:00 치과 예약']);
  });

  test('and a quoted-printable description with line breaks are decoded', () => {
    const { read } = look(
      old(
        'DTSTART:20270115T000000Z',
        'DESCRIPTION;ENCODING=QUOTED-PRINTABLE:=EC=B2=AB=0D=0A=\n=EB=91=98; x, y=3D1',
        'SUMMARY:x',
      ),
      '2027-01-15',
      '2027-01-15',
    );
    expect(read.entries[0]?.parts[0]?.description).toBe('첫 둘; x, y=1');
  });
});

describe('a rule of vCalendar 1.0', () => {
  test.each([
    ['D1 #5', 'FREQ=DAILY;COUNT=5'],
    ['D2 #0', 'FREQ=DAILY;INTERVAL=2'],
    ['D1', 'FREQ=DAILY'],
    ['D1 20270131T000000Z', 'FREQ=DAILY;UNTIL=20270131T000000Z'],
    ['W1 MO WE 20270101T000000', 'FREQ=WEEKLY;BYDAY=MO,WE;UNTIL=20270101T000000'],
    ['W2 TU #10', 'FREQ=WEEKLY;BYDAY=TU;INTERVAL=2;COUNT=10'],
    ['w1 mo #3', 'FREQ=WEEKLY;BYDAY=MO;COUNT=3'],
    ['W1 #4', 'FREQ=WEEKLY;COUNT=4'],
    ['MD1 15 #12', 'FREQ=MONTHLY;BYMONTHDAY=15;COUNT=12'],
    ['MD1 1 15 LD #4', 'FREQ=MONTHLY;BYMONTHDAY=1,15,-1;COUNT=4'],
    ['MD1 3- #0', 'FREQ=MONTHLY;BYMONTHDAY=-3'],
    ['MP1 1+ FR #10', 'FREQ=MONTHLY;BYDAY=1FR;COUNT=10'],
    ['MP2 1+ SU 1- SA #10', 'FREQ=MONTHLY;BYDAY=1SU,-1SA;INTERVAL=2;COUNT=10'],
    ['MP6 2+ MO TU #10', 'FREQ=MONTHLY;BYDAY=2MO,2TU;INTERVAL=6;COUNT=10'],
    ['YM1 6 12 #5', 'FREQ=YEARLY;BYMONTH=6,12;COUNT=5'],
    ['YM1 #0', 'FREQ=YEARLY'],
    ['YD1 1 100 #4', 'FREQ=YEARLY;BYYEARDAY=1,100;COUNT=4'],
    ['M30 #4', 'FREQ=MINUTELY;INTERVAL=30;COUNT=4'],
  ])('is converted: %s becomes %s', (written, expected) => {
    expect(normalizeRule(written, false).split(';').sort()).toEqual(expected.split(';').sort());
  });

  test.each(['MP6 1+ MO #5 D2 #5', 'W1 TU 1200 TH 1130 #10', 'MP1 #3', 'Q1 #3'])(
    'that has no equivalent is reported, and the other events are read: %s',
    (rule) => {
      const ics = bareCalendar([
        `UID:o\nDTSTART:20270111T000000Z\nSUMMARY:x\nRRULE:${rule}`,
        'UID:p\nDTSTART:20270111T000000Z\nSUMMARY:y',
      ]);
      const { seen, read } = look(ics, '2027-01-01', '2027-01-31');
      expect(seen).toEqual(['11 09:00-09:00 y']);
      expect(read.unreadable).toEqual([expect.stringMatching(/^o: RRULE/)]);
    },
  );

  test('is applied in a file with alarms, an old TRANSP and a list with semicolons', () => {
    const ics = old(
      'DTSTART:20270111T000000Z',
      'DTEND:20270111T010000Z',
      'RRULE:D1 #5',
      'EXDATE:20270112T000000Z;20270114T000000Z',
      'AALARM;TYPE=WAVE;VALUE=URL:20270110T235500Z;;1;file:///ding.wav',
      'DALARM:20270110T235500Z;PT5M;2;Wake up: now',
      'CATEGORIES:MEETING;WORK',
      'TRANSP:1',
      'SUMMARY:x',
    );
    const { seen, read } = look(ics, '2027-01-01', '2027-01-31');
    expect(seen).toEqual(['11', '13', '15'].map((day) => `${day} 09:00-10:00 x`));
    expect(read.entries[0]?.parts[0]?.busy).toBe(false);
    expect([...read.unreadable, ...read.dropped]).toEqual([]);
  });

  test('the property TZ gives times without a zone the offset of the phone', () => {
    const ics = bareCalendar(
      ['UID:o\nDTSTART:20270115T010000\nSUMMARY:x'],
      ['VERSION:1.0', 'TZ:+01'],
    );
    expect(inJanuary(ics)).toEqual(['15 09:00-09:00 x']);
  });
});
