/** `gatehouse calendar occurrences FILE` as a user runs it: a real process and a file, without a core. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { scratchFolder } from '#test/support/journal';
import { calendarOf } from '#test/tools/calendar/calendar-texts';
import { projectRoot } from '#test/support/project-root';

const bin = join(projectRoot, 'src', 'cli', 'gatehouse.ts');
const january = ['--from', '2027-01-01', '--to', '2027-02-01'];

let scratch: ReturnType<typeof scratchFolder>;
beforeEach(() => (scratch = scratchFolder()));
afterEach(() => scratch.remove());

/** Runs the command on a file with this text. */
function occurrences(text: string | Buffer, ...options: string[]) {
  writeFileSync(join(scratch.path, 'a.ics'), text);
  return calendar('occurrences', 'a.ics', ...options);
}

function calendar(...words: string[]) {
  const args = [bin, 'calendar', ...words];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    // The zone of the machine is the default.
    env: { ...process.env, TZ: 'Asia/Seoul' },
    cwd: scratch.path,
    encoding: 'utf8',
    maxBuffer: 100_000_000,
    timeout: 60_000,
  });
  return { code: status, out: stdout, err: stderr };
}

const listed = (out: string) => JSON.parse(out) as Record<string, unknown>[];
const weekly = calendarOf([
  `UID:week
DTSTART;TZID=Asia/Seoul:20270115T090000
DTEND;TZID=Asia/Seoul:20270115T100000
RRULE:FREQ=WEEKLY
SUMMARY:주간 회의`,
]);

describe('calendar occurrences', () => {
  test('prints one JSON array: local times in the zone, dates alone for all-day entries', () => {
    const day = `UID:holiday\nDTSTART;VALUE=DATE:20270120\nSUMMARY:휴일`;
    const file = weekly.replace('END:VCALENDAR', `BEGIN:VEVENT\n${day}\nEND:VEVENT\nEND:VCALENDAR`);
    const { code, out, err } = occurrences(
      file,
      '--from',
      '2027-01-15',
      '--to',
      '2027-01-23',
      '--json',
    );
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const meeting = { all_day: false, title: '주간 회의', uid: 'week' };
    expect(listed(out)).toEqual([
      { start: '2027-01-15T09:00', end: '2027-01-15T10:00', ...meeting },
      { start: '2027-01-20', end: '2027-01-21', all_day: true, title: '휴일', uid: 'holiday' },
      { start: '2027-01-22T09:00', end: '2027-01-22T10:00', ...meeting },
    ]);
  });

  test('shows local times of --zone, and without it those of the configured zone', () => {
    const inNewYork = occurrences(weekly, ...january, '--zone', 'America/New_York', '--json');
    expect(listed(inNewYork.out)[0]).toMatchObject({ start: '2027-01-14T19:00' });
    writeFileSync(join(scratch.path, 'gatehouse.yaml'), 'timezone: Europe/London');
    expect(listed(occurrences(weekly, ...january, '--json').out)[0]).toMatchObject({
      start: '2027-01-15T00:00',
    });
  });

  test('lists the entries that overlap the window, without its last day', () => {
    const night = calendarOf([
      'UID:n\nDTSTART;TZID=Asia/Seoul:20270110T220000\nDURATION:PT4H\nSUMMARY:밤샘',
    ]);
    const count = (from: string, to: string): number =>
      listed(occurrences(night, '--from', from, '--to', to, '--json').out).length;
    expect(count('2027-01-11', '2027-01-12')).toBe(1);
    expect(count('2027-01-09', '2027-01-10')).toBe(0);
    expect(count('2027-01-12', '2027-01-13')).toBe(0);
  });

  test('reports unreadable entries: on standard error with --json, else below the list', () => {
    const file = calendarOf([
      'UID:good\nDTSTART:20270105T000000Z\nSUMMARY:읽힘',
      'UID:bad\nSUMMARY:시작 없음',
    ]);
    const json = occurrences(file, ...january, '--json');
    expect(json.code).toBe(0);
    expect(listed(json.out)).toHaveLength(1);
    expect(json.err).toMatch(/^unreadable: bad: .+\n$/);
    const plain = occurrences(file, ...january);
    expect(plain.out).toMatch(
      /^2027-01-05T09:00 {2}2027-01-05T09:00 {2}읽힘\nunreadable: bad: .+\n$/,
    );
    expect(plain.err).toBe('');
  });

  test('reports the versions of an event that it leaves out for a newer one', () => {
    const version = (sequence: number, hour: string): string =>
      `UID:twice\nDTSTART:20270105T${hour}0000Z\nSEQUENCE:${sequence}`;
    const { out, err } = occurrences(
      calendarOf([version(0, '00'), version(1, '03')]),
      ...january,
      '--json',
    );
    expect(listed(out)).toMatchObject([{ start: '2027-01-05T12:00' }]);
    expect(err).toMatch(/^left out: twice: .+\n$/);
  });

  test('ends for rules with a huge number of times, and reports where it has cut the list', () => {
    const every = 'RRULE:FREQ=SECONDLY';
    const file = calendarOf([
      `UID:tick\nDTSTART:20270101T000000Z\n${every}`,
      `UID:old\nDTSTART:19700101T000000Z\n${every};BYDAY=MO,FR;COUNT=1000000000`,
      `UID:never\nDTSTART:19700101T000000Z\n${every};BYMONTH=2;BYMONTHDAY=30`,
    ]);
    const { code, out, err } = occurrences(
      file,
      '--from',
      '2027-01-01',
      '--to',
      '9999-12-31',
      '--json',
    );
    expect(code).toBe(0);
    expect(listed(out).every(({ uid }) => uid === 'tick')).toBe(true);
    expect(err).toContain('cut: the window: looked at 2027-01-01 to 22');
    expect(err).toContain(`cut: tick: its rule has too many times, later ones than 2027-01-01T`);
    expect(err).toContain('cut: old: its rule has too many times to reach the window');
  });

  test.each(
    [
      ['surplus'],
      ['--from', '2027-01-01'],
      ['--from', '2027-01-01', '--to', '2027-13-01'],
      ['--from', '2027-01-02', '--to', '2027-01-02'],
      ['--from', 'today', '--to', '2027-01-02'],
      [...january, '--zone', 'Asia/Atlantis'],
      [...january, '--user', 'ann'],
      [...january, '--url', 'http://127.0.0.1:9'],
    ].map((options) => ({ options })),
  )('exits with 2 and the usage for the options $options', ({ options }) => {
    const { code, out, err } = occurrences(weekly, ...options);
    expect({ code, out }).toEqual({ code: 2, out: '' });
    expect(err).toContain('usage: gatehouse');
  });

  test('exits with 1 and one line of error if the file is no calendar or cannot be read', () => {
    const cases = [
      occurrences('Dear Ann,\nsee you on Monday.\n', ...january),
      occurrences(Buffer.from([0x50, 0x4b, 3, 4, 0, 0]), ...january),
      calendar('occurrences', 'none.ics', ...january),
      calendar('occurrences', scratch.path, ...january),
    ];
    for (const { code, out, err } of cases) {
      expect({ code, out }).toEqual({ code: 1, out: '' });
      expect(err.trim().split('\n')).toHaveLength(1);
    }
  });

  test('has options that the other calendar commands refuse', () => {
    expect(calendar('import', 'a.ics', '--from', '2027-01-01').code).toBe(2);
    expect(calendar('export', '--zone', 'UTC').code).toBe(2);
  });
});
