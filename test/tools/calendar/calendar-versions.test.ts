/**
 * Versions of an event: for a UID, and for an instance of it, the newest counts (SEQUENCE, then LAST-MODIFIED, then
 * DTSTAMP, then the later in the file), in any order of the file. A version that does not count is reported.
 */
import { describe, expect, test } from 'vitest';
import { bareCalendar, calendarCase } from './calendar-texts.ts';
import { localCalendar, calendarCall } from './local-calendar-setting.ts';
import { look } from './seen-occurrences.ts';
import { contextOf } from '../tool-context.ts';

const calendar = (...events: string[]): string => bareCalendar(events);

const at = (time: string, title: string, ...lines: string[]): string =>
  ['UID:v', `DTSTART;TZID=Asia/Seoul:202701${time}00`, `SUMMARY:${title}`, ...lines].join('\n');
const series = at('11T0900', '매일', 'RRULE:FREQ=DAILY;COUNT=4');
const change = (time: string, title: string, ...lines: string[]): string =>
  at(time, title, 'RECURRENCE-ID;TZID=Asia/Seoul:20270112T090000', ...lines);

const inJanuary = (ics: string) => look(ics, '2027-01-01', '2027-01-31');

describe('the newer of two versions of an event', () => {
  const older = (...lines: string[]): string => at('15T0900', '옛 시각', ...lines);
  const newer = (...lines: string[]): string => at('15T1400', '새 시각', ...lines);
  const stamps: [by: string, older: string[], newer: string[]][] = [
    ['SEQUENCE', ['SEQUENCE:1'], ['SEQUENCE:2']],
    ['a SEQUENCE against none', [], ['SEQUENCE:1']],
    [
      'SEQUENCE before LAST-MODIFIED',
      ['SEQUENCE:1', 'LAST-MODIFIED:20260601T000000Z'],
      ['SEQUENCE:2', 'LAST-MODIFIED:20260101T000000Z'],
    ],
    ['SEQUENCE as a number', ['SEQUENCE:9'], ['SEQUENCE:10']],
    ['LAST-MODIFIED', ['LAST-MODIFIED:20260101T000000Z'], ['LAST-MODIFIED:20260101T000001Z']],
    [
      'LAST-MODIFIED before DTSTAMP',
      ['DTSTAMP:20260601T000000Z', 'LAST-MODIFIED:20260101T000000Z'],
      ['DTSTAMP:20260101T000000Z', 'LAST-MODIFIED:20260201T000000Z'],
    ],
    ['DTSTAMP', ['DTSTAMP:20260101T000000Z'], ['DTSTAMP:20260102T000000Z']],
  ];
  test.each(stamps)('is found by %s', (_, oldStamps, newStamps) => {
    for (const ics of [
      calendar(older(...oldStamps), newer(...newStamps)),
      calendar(newer(...newStamps), older(...oldStamps)),
    ]) {
      const { seen, read } = inJanuary(ics);
      expect(seen).toEqual(['15 14:00-14:00 새 시각']);
      expect(read.unreadable).toEqual([]);
      expect(read.dropped).toEqual([expect.stringMatching(/^v: "옛 시각".*an older version$/)]);
    }
  });

  test('is the later in the file if the versions have no stamps', () => {
    const plain = at('15T0900', '회의', 'LOCATION:1층');
    const moved = at('15T0900', '회의', 'LOCATION:2층');
    const { read } = inJanuary(calendar(plain, moved));
    expect(read.entries[0]?.parts.map(({ location }) => location)).toEqual(['2층']);
    expect(read.dropped).toHaveLength(1);
  });

  test('can be a cancellation', () => {
    const cancelled = at('15T0900', '취소', 'SEQUENCE:3', 'STATUS:CANCELLED');
    expect(inJanuary(calendar(cancelled, older('SEQUENCE:1'))).seen).toEqual([]);
    expect(inJanuary(calendar(older('SEQUENCE:4'), cancelled)).seen).toHaveLength(1);
    const request = calendar(older());
    const cancel = calendar(older('SEQUENCE:1')).replace(
      'VERSION:2.0',
      'VERSION:2.0\r\nMETHOD:CANCEL',
    );
    expect(inJanuary(request + cancel).seen).toEqual([]);
  });
});

describe('the newer of two changes of one instance', () => {
  const rest = ['11 09:00-09:00 매일', '13 09:00-09:00 매일', '14 09:00-09:00 매일'];
  const shown = (...changes: string[]) => inJanuary(calendar(...changes, series));

  test('replaces the older one, and the older one is reported', () => {
    const { seen, read } = shown(
      change('12T1500', '둘째', 'SEQUENCE:2'),
      change('12T1100', '첫째', 'SEQUENCE:1'),
    );
    expect(seen).toEqual([rest[0], '12 15:00-15:00 둘째', ...rest.slice(1)]);
    expect(read.dropped).toEqual(['v: "첫째" (SEQUENCE 1): an older version']);
  });

  test('can be a cancellation', () => {
    const { seen } = shown(
      change('12T1100', '변경', 'SEQUENCE:1'),
      change('12T0900', '매일', 'SEQUENCE:2', 'STATUS:CANCELLED'),
    );
    expect(seen).toEqual(rest);
  });

  test.each([
    ['in UTC', 'RECURRENCE-ID:20270112T000000Z'],
    ['in another zone', 'RECURRENCE-ID;TZID=America/New_York:20270111T190000'],
    ['as a day', 'RECURRENCE-ID;VALUE=DATE:20270112'],
    ['without a zone', 'RECURRENCE-ID:20270112T090000'],
    ['by a Windows zone', 'RECURRENCE-ID;TZID=Korea Standard Time:20270112T090000'],
  ])('is found if its RECURRENCE-ID is written %s', (_, instance) => {
    const other = at('12T1500', '다른 꼴', 'SEQUENCE:2', instance);
    const { seen } = shown(change('12T1100', '첫째', 'SEQUENCE:1'), other);
    expect(seen).toEqual([rest[0], '12 15:00-15:00 다른 꼴', ...rest.slice(1)]);
  });

  test('does not count if the series is cancelled later', () => {
    const gone = `${series}\nSEQUENCE:5\nSTATUS:CANCELLED`;
    const { seen, read } = inJanuary(calendar(change('12T1100', '첫째', 'SEQUENCE:1'), gone));
    expect(seen).toEqual([]);
    expect(read.dropped).toEqual(['v: "첫째" (SEQUENCE 1): its event is cancelled']);
    const again = inJanuary(calendar(change('12T1100', '다시', 'SEQUENCE:6'), gone));
    expect(again.seen).toEqual(['12 11:00-11:00 다시']);
  });

  test('replaces a change of this and all later instances for its own instance only', () => {
    const later = change('12T1000', '이후', 'SEQUENCE:1').replace(
      'RECURRENCE-ID',
      'RECURRENCE-ID;RANGE=THISANDFUTURE',
    );
    const { seen } = shown(later, change('12T1500', '하루', 'SEQUENCE:2'));
    expect(seen).toEqual([
      rest[0],
      '12 15:00-15:00 하루',
      '13 10:00-10:00 이후',
      '14 10:00-10:00 이후',
    ]);
    const newer = shown(
      later.replace('SEQUENCE:1', 'SEQUENCE:3'),
      change('12T1500', '하루', 'SEQUENCE:2'),
    );
    expect(newer.seen).toEqual([
      rest[0],
      '12 10:00-10:00 이후',
      '13 10:00-10:00 이후',
      '14 10:00-10:00 이후',
    ]);
  });
});

describe('the same component twice', () => {
  test.each([
    [
      'an event',
      calendar(at('15T0900', '한 번'), at('15T0900', '한 번')),
      ['15 09:00-09:00 한 번'],
    ],
    [
      'an event in two calendars of one file',
      calendar(at('15T0900', '한 번')).repeat(2),
      ['15 09:00-09:00 한 번'],
    ],
    [
      'a series',
      calendar(series, series),
      ['11', '12', '13', '14'].map((day) => `${day} 09:00-09:00 매일`),
    ],
    [
      'a change',
      calendar(series, change('12T1000', '변경'), change('12T1000', '변경')),
      ['11 09:00-09:00 매일', '12 10:00-10:00 변경', '13 09:00-09:00 매일', '14 09:00-09:00 매일'],
    ],
  ])('counts once and is reported: %s', (_, ics, expected) => {
    const { seen, read } = inJanuary(ics);
    expect(seen).toEqual(expected);
    expect(read.dropped).toEqual([expect.stringMatching(/^v: ".*": the same once more$/)]);
  });
});

describe('different events of one UID without distinguishing stamps', () => {
  test.each([
    ['with other starts and titles', [at('15T0900', '국어'), at('16T0900', '수학')], 2],
    ['with another title', [at('15T0900', '국어'), at('15T0900', '수학')], 2],
    [
      'with another start',
      [at('15T0900', '국어'), at('16T0900', '국어'), at('17T0900', '국어')],
      3,
    ],
    [
      'with the same stamps',
      [
        at('15T0900', '국어', 'DTSTAMP:20260101T000000Z'),
        at('16T0900', '수학', 'DTSTAMP:20260101T000000Z'),
      ],
      2,
    ],
    [
      'of which one repeats',
      [at('15T0900', '국어', 'RRULE:FREQ=DAILY;COUNT=2'), at('20T0900', '수학')],
      3,
    ],
  ])('all count: %s', (_, events, count) => {
    const { seen, read } = inJanuary(calendar(...events));
    expect(seen).toHaveLength(count);
    expect(read.dropped).toEqual([]);
  });
});

describe('the import of a calendar file', () => {
  test.each([
    ['08-same-uid-newer-sequence-last.ics', ['새 시각'], 1],
    ['08-two-changes-of-one-instance.ics', ['2차 변경'], 1],
    ['08-same-uid-different-events.ics', ['국어', '수학', '영어'], 0],
  ])('%s stores the versions that count, and reports the others', async (name, titles, dropped) => {
    const local = await localCalendar();
    const report = await local.bringIn(calendarCase(name));
    expect(report).toMatchObject({ added: 1, unreadable: [] });
    expect(report.dropped ?? []).toHaveLength(dropped);
    const range = { date_from: '2027-01-12', date_to: '2027-01-17' };
    const { results } = await local.registry.run([calendarCall('search', range)], contextOf());
    for (const title of titles) expect(results[0]?.summary).toContain(title);
    // A version that does not count is not stored: the next export would contain it.
    expect((await local.texts('minji')).join('')).not.toMatch(/옛 시각|1차 변경/);
    await local.close();
  });
});

describe('the import of a single changed instance', () => {
  const range = { date_from: '2027-01-11', date_to: '2027-01-14' };
  const titlesOf = async (local: Awaited<ReturnType<typeof localCalendar>>): Promise<string[]> => {
    const { results } = await local.registry.run([calendarCall('search', range)], contextOf());
    const data = results[0]?.data as { events: { start: string; title: string }[] } | undefined;
    return (data?.events ?? []).map(({ start, title }) => `${start} ${title}`);
  };

  test('changes the stored series once, and an older change does not replace a newer one', async () => {
    const local = await localCalendar();
    await local.bringIn(calendar(series));
    const update = calendar(change('12T1500', '변경', 'SEQUENCE:2'));
    expect(await local.bringIn(update)).toMatchObject({ updated: 1, unreadable: [] });
    const changed = ['09:00 매일', '15:00 변경', '09:00 매일', '09:00 매일'];
    expect(await titlesOf(local)).toEqual(changed);
    expect(await local.bringIn(update)).toMatchObject({ updated: 0, unchanged: 1 });
    const old = await local.bringIn(calendar(change('12T1100', '옛 변경', 'SEQUENCE:1')));
    expect(old.dropped).toEqual(['v: "옛 변경" (SEQUENCE 1): an older version']);
    expect(await titlesOf(local)).toEqual(changed);
    await local.close();
  });

  test('cancels that instance of the stored series', async () => {
    const local = await localCalendar();
    await local.bringIn(calendar(series));
    const cancel = calendar(change('12T0900', '매일', 'SEQUENCE:1')).replace(
      'VERSION:2.0',
      'VERSION:2.0\r\nMETHOD:CANCEL',
    );
    await local.bringIn(cancel);
    expect(await titlesOf(local)).toEqual(['09:00 매일', '09:00 매일', '09:00 매일']);
    await local.close();
  });
});
