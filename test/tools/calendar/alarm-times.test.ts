/** Alarms of calendar entries: the forms that programs write, and when they are due. */
import { describe, expect, test } from 'vitest';
import { createZones } from '#shared/calendar/zoned-time';
import { alarmsIn } from '#tools/calendar/alarm-times';
import { createEventParser } from '#tools/calendar/event-parser';

const zones = createZones();
const parser = createEventParser(zones);

interface Look {
  zone?: string;
  from?: string;
  to?: string;
  remindMinutes?: number | null;
}

/** The due times of all alarms with the title of their entry, in UTC. */
function due(ics: string, look: Look = {}): string[] {
  const { zone = 'Asia/Seoul', from = '2026-11-01T00:00Z', to = '2027-01-31T00:00Z' } = look;
  const { entries, unreadable } = parser.parse(ics);
  expect(unreadable).toEqual([]);
  const window = {
    from: Date.parse(from),
    to: Date.parse(to),
    viewerZone: zone,
    remindMinutes: look.remindMinutes ?? null,
  };
  return alarmsIn(entries, window, zones).map(
    ({ at, occurrence }) => `${new Date(at).toISOString().slice(0, 16)} ${occurrence.title}`,
  );
}

const calendar = (...lines: string[]): string =>
  ['BEGIN:VCALENDAR', 'VERSION:2.0', ...lines, 'END:VCALENDAR'].join('\r\n');
const alarm = (...lines: string[]): string[] => ['BEGIN:VALARM', ...lines, 'END:VALARM'];
const event = (...lines: string[]): string[] => [
  'BEGIN:VEVENT',
  'UID:one@test',
  'SUMMARY:dentist',
  ...lines,
  'END:VEVENT',
];
const timed = ['DTSTART;TZID=Asia/Seoul:20261203T150000', 'DTEND;TZID=Asia/Seoul:20261203T160000'];
const allDay = ['DTSTART;VALUE=DATE:20261203', 'DTEND;VALUE=DATE:20261204'];
const one = (...lines: string[]): string[] =>
  due(calendar(...event(...timed, ...alarm(...lines)))).map((text) => text.slice(0, 16));

describe('an alarm', () => {
  test.each<[string, string[], string[]]>([
    ['minutes before', ['ACTION:DISPLAY', 'TRIGGER:-PT15M'], ['2026-12-03T05:45']],
    ['at the start', ['ACTION:DISPLAY', 'TRIGGER:PT0S'], ['2026-12-03T06:00']],
    ['after the start', ['ACTION:DISPLAY', 'TRIGGER:PT10M'], ['2026-12-03T06:10']],
    ['days before', ['ACTION:DISPLAY', 'TRIGGER:-P1D'], ['2026-12-02T06:00']],
    ['weeks before', ['ACTION:DISPLAY', 'TRIGGER:-P1W'], ['2026-11-26T06:00']],
    ['as Google writes it', ['ACTION:DISPLAY', 'TRIGGER:-P0DT0H30M0S'], ['2026-12-03T05:30']],
    [
      'as old Nextcloud writes a day',
      ['ACTION:DISPLAY', 'TRIGGER;VALUE=DURATION:-PT1D'],
      ['2026-12-02T06:00'],
    ],
    [
      'as old ownCloud writes minutes',
      ['ACTION:DISPLAY', 'TRIGGER:-PT0DT0H10M0S'],
      ['2026-12-03T05:50'],
    ],
    [
      'as Thunderbird writes 170 hours',
      ['ACTION:DISPLAY', 'TRIGGER:-P1WT2H'],
      ['2026-11-26T04:00'],
    ],
    ['of an hour without T', ['ACTION:DISPLAY', 'TRIGGER:-P1H'], ['2026-12-03T05:00']],
    ['with the sign inside', ['ACTION:DISPLAY', 'TRIGGER:PT-15M'], ['2026-12-03T05:45']],
    ['in lower case', ['action:display', 'trigger:-pt15m'], ['2026-12-03T05:45']],
    [
      'at the time of the event, as Exchange writes it',
      ['ACTION:DISPLAY', 'TRIGGER;RELATED=START:P'],
      ['2026-12-03T06:00'],
    ],
    ['relative to the end', ['ACTION:DISPLAY', 'TRIGGER;RELATED=END:-PT5M'], ['2026-12-03T06:55']],
    [
      'at an absolute time',
      ['ACTION:DISPLAY', 'TRIGGER;VALUE=DATE-TIME:20261203T001500Z'],
      ['2026-12-03T00:15'],
    ],
    [
      'at an absolute time without its type',
      ['ACTION:DISPLAY', 'TRIGGER:20261203T001500Z'],
      ['2026-12-03T00:15'],
    ],
    [
      'at an absolute time without a zone',
      ['ACTION:DISPLAY', 'TRIGGER;VALUE=DATE-TIME:20261203T091500'],
      ['2026-12-03T00:15'],
    ],
    [
      'that repeats',
      ['ACTION:AUDIO', 'TRIGGER:-PT15M', 'REPEAT:2', 'DURATION:PT5M'],
      ['2026-12-03T05:45', '2026-12-03T05:50', '2026-12-03T05:55'],
    ],
    ['with a repetition but no interval', ['TRIGGER:-PT15M', 'REPEAT:3'], ['2026-12-03T05:45']],
    ['by mail', ['ACTION:EMAIL', 'TRIGGER:-PT15M', 'SUMMARY:x'], ['2026-12-03T05:45']],
    ['without an action', ['TRIGGER:-PT15M'], ['2026-12-03T05:45']],
    [
      'that Apple switched off',
      ['ACTION:NONE', 'TRIGGER;VALUE=DATE-TIME:19760401T005545Z', 'X-APPLE-DEFAULT-ALARM:TRUE'],
      [],
    ],
    [
      'at a place',
      ['ACTION:DISPLAY', 'TRIGGER;VALUE=DATE-TIME:19760401T005545Z', 'X-APPLE-PROXIMITY:DEPART'],
      [],
    ],
    ['of a program', ['ACTION:PROCEDURE', 'TRIGGER:-PT15M', 'ATTACH:file:///bin/x'], []],
    ['that cannot be read', ['ACTION:DISPLAY', 'TRIGGER:soon'], []],
    ['without a trigger', ['ACTION:DISPLAY'], []],
    ['with a damaged number', ['ACTION:AUDIO', 'TRIGGER:P15010W3DT7H28M16S'], []],
    [
      'that was dismissed',
      ['ACTION:DISPLAY', 'TRIGGER:-PT15M', 'ACKNOWLEDGED:20261203T054500Z'],
      [],
    ],
    [
      'that was dismissed for an earlier instance',
      ['ACTION:DISPLAY', 'TRIGGER:-PT15M', 'ACKNOWLEDGED:20261126T054500Z'],
      ['2026-12-03T05:45'],
    ],
  ])('%s is due at its time, or left out', (_, lines, expected) => {
    expect(one(...lines)).toEqual(expected);
  });

  test('that is left out is reported, and its entry stays', () => {
    const ics = calendar(...event(...timed, ...alarm('ACTION:PROCEDURE', 'TRIGGER:-PT15M')));
    expect(parser.parse(ics)).toMatchObject({
      unreadable: [],
      dropped: ['one@test: an alarm with ACTION PROCEDURE is left out'],
    });
    expect(parser.parse(ics).entries).toHaveLength(1);
  });

  test('is due once if several alarms of one instance are at the same time', () => {
    const both = [
      alarm('ACTION:DISPLAY', 'TRIGGER:-PT15M'),
      alarm('ACTION:EMAIL', 'TRIGGER:-PT15M'),
    ];
    expect(due(calendar(...event(...timed, ...both.flat())))).toEqual(['2026-12-03T05:45 dentist']);
    const two = [alarm('TRIGGER:-PT15M'), alarm('TRIGGER:-P1D')];
    expect(due(calendar(...event(...timed, ...two.flat())))).toEqual([
      '2026-12-02T06:00 dentist',
      '2026-12-03T05:45 dentist',
    ]);
  });

  test('that Thunderbird dismissed or snoozed follows the properties of its entry', () => {
    const lines = [...timed, ...alarm('ACTION:DISPLAY', 'TRIGGER:-PT15M')];
    expect(due(calendar(...event('X-MOZ-LASTACK:20261203T054600Z', ...lines)))).toEqual([]);
    expect(
      due(
        calendar(
          ...event(
            'X-MOZ-LASTACK:20261203T054600Z',
            'X-MOZ-SNOOZE-TIME:20261203T055500Z',
            ...lines,
          ),
        ),
      ),
    ).toEqual(['2026-12-03T05:55 dentist']);
  });

  test('of vCalendar 1.0 is due with its repetitions', () => {
    expect(due(calendar(...event(...timed, 'DALARM:20261203T054500Z;PT5M;1;dentist')))).toEqual([
      '2026-12-03T05:45 dentist',
      '2026-12-03T05:50 dentist',
    ]);
  });

  test('of a cancelled entry is not due', () => {
    const lines = [...timed, 'STATUS:CANCELLED', ...alarm('TRIGGER:-PT15M')];
    expect(due(calendar(...event(...lines)))).toEqual([]);
  });
});

describe('an all-day entry', () => {
  const at = (trigger: string, zone: string, day = '20261203'): string[] =>
    due(
      calendar(
        ...event(`DTSTART;VALUE=DATE:${day}`, ...alarm('ACTION:DISPLAY', `TRIGGER:${trigger}`)),
      ),
      { zone, from: '2026-01-01T00:00Z', to: '2027-12-31T00:00Z' },
    ).map((text) => text.slice(0, 16));

  test('has its alarms relative to midnight of the viewer', () => {
    expect(at('-PT15H', 'Asia/Seoul')).toEqual(['2026-12-02T00:00']);
    expect(at('PT9H', 'Asia/Seoul')).toEqual(['2026-12-03T00:00']);
    expect(at('PT9H', 'America/New_York')).toEqual(['2026-12-03T14:00']);
    expect(at('-P1DT15H', 'Asia/Seoul')).toEqual(['2026-12-01T00:00']);
  });

  test('has its alarm at the same time of day when the clocks change', () => {
    expect(at('PT9H', 'Europe/London', '20260329')).toEqual(['2026-03-29T08:00']);
    expect(at('PT9H', 'America/New_York', '20261101')).toEqual(['2026-11-01T14:00']);
    expect(at('PT9H', 'Australia/Lord_Howe', '20261004')).toEqual(['2026-10-03T22:00']);
    // Midnight does not exist on this day.
    expect(at('PT0S', 'Africa/Cairo', '20260424')).toEqual(['2026-04-23T22:00']);
  });

  test('has an alarm relative to its end', () => {
    expect(due(calendar(...event(...allDay, ...alarm('TRIGGER;RELATED=END:-PT6H'))))).toEqual([
      '2026-12-03T09:00 dentist',
    ]);
  });
});

describe('an entry with a time', () => {
  test('has days of an alarm on the calendar, and hours as elapsed time', () => {
    const at = (trigger: string): string[] =>
      due(
        calendar(
          ...event('DTSTART;TZID=America/New_York:20261101T090000', ...alarm(`TRIGGER:${trigger}`)),
        ),
        { from: '2026-10-01T00:00Z' },
      ).map((text) => text.slice(0, 16));
    expect(at('-P1D')).toEqual(['2026-10-31T13:00']);
    expect(at('-PT24H')).toEqual(['2026-10-31T14:00']);
  });
});

describe('a recurring entry', () => {
  const weekly = [
    'DTSTART;TZID=Asia/Seoul:20261201T090000',
    'DURATION:PT1H',
    'RRULE:FREQ=WEEKLY;COUNT=4',
  ];

  test('has alarms for each instance, and those of a moved or cancelled one follow it', () => {
    const ics = calendar(
      ...event(...weekly, 'EXDATE;TZID=Asia/Seoul:20261222T090000', ...alarm('TRIGGER:-PT10M')),
      ...event(
        'RECURRENCE-ID;TZID=Asia/Seoul:20261208T090000',
        'DTSTART;TZID=Asia/Seoul:20261209T140000',
        'DURATION:PT1H',
        ...alarm('TRIGGER:-PT1H'),
      ),
      ...event(
        'RECURRENCE-ID;TZID=Asia/Seoul:20261215T090000',
        'DTSTART;TZID=Asia/Seoul:20261215T090000',
        'STATUS:CANCELLED',
        ...alarm('TRIGGER:-PT10M'),
      ),
    );
    expect(due(ics)).toEqual(['2026-11-30T23:50 dentist', '2026-12-09T04:00 dentist']);
  });

  test('has an absolute alarm once', () => {
    const ics = calendar(...event(...weekly, ...alarm('TRIGGER:20261201T120000Z')));
    expect(due(ics)).toEqual(['2026-12-01T12:00 dentist']);
  });
});

describe('an entry that says nothing about alarms', () => {
  test('has the usual one, if it has a time of day', () => {
    const look = { remindMinutes: 10 };
    expect(due(calendar(...event(...timed)), look)).toEqual(['2026-12-03T05:50 dentist']);
    expect(due(calendar(...event(...timed)))).toEqual([]);
    expect(due(calendar(...event(...allDay)), look)).toEqual([]);
    const off = alarm('ACTION:NONE', 'TRIGGER;VALUE=DATE-TIME:19760401T005545Z');
    expect(due(calendar(...event(...timed, ...off)), look)).toEqual([]);
    const own = alarm('TRIGGER:-PT1H');
    expect(due(calendar(...event(...timed, ...own)), look)).toEqual(['2026-12-03T05:00 dentist']);
  });
});
