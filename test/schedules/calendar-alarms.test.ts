/** Alarms of calendar entries as reminders: planned, moved and withdrawn with their entries, fired once. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { AlarmPlanner, type AlarmPlace, type PlannedAlarm } from '#schedules/calendar-alarms';
import { createZones } from '#shared/calendar/zoned-time';
import { silentLog } from '#shared/log';
import { scratchFolder } from '#test/support/journal';
import { openSchedules, reminder, type ScheduleFixture } from '#test/support/schedules';

let folder: ReturnType<typeof scratchFolder>;
let open: ScheduleFixture;
let planner: AlarmPlanner;
/** What the calendar has; null: it cannot be read. */
let calendar: PlannedAlarm[] | null;
let places: AlarmPlace[];
/** Whose calendars were asked for. */
let asked: (string | undefined)[];
const dm: AlarmPlace = { userId: 'ann', channel: 'synology', thread: 'dm' };

const alarm = (iso: string, key = 'dentist', text = key): PlannedAlarm => ({
  key,
  at: Date.parse(iso),
  text,
});

beforeEach(async () => {
  folder = scratchFolder();
  calendar = [];
  asked = [];
  places = [dm];
  await begin('2026-12-02T10:00+09:00');
});
afterEach(async () => {
  await end();
  folder.remove();
});

async function begin(now: string): Promise<void> {
  open = await openSchedules(`${folder.path}/gatehouse.db`, now);
  planner = new AlarmPlanner({
    ...open.planning,
    source: {
      async calendars(of) {
        asked.push(of);
        return [{ userId: 'ann', places }];
      },
      async alarms(_, from, to) {
        if (calendar === null) throw new Error('the calendar cannot be read');
        return calendar.filter(({ at }) => at > from && at <= to);
      },
    },
    zones: createZones(),
    zone: 'Asia/Seoul',
    clock: open.clock,
    log: silentLog(),
  });
}

async function end(): Promise<void> {
  await planner.stop();
  await open.close();
}

/** Reads the calendar. */
async function look(...alarms: PlannedAlarm[]): Promise<void> {
  calendar = alarms;
  planner.start();
  await planner.settled();
  await open.at(new Date(open.clock.now()).toISOString());
}
const active = async (): Promise<string[]> =>
  (await open.schedules.list({ states: ['active'] }, '', 100)).map(
    ({ text, nextAt }) => `${new Date(nextAt!).toISOString().slice(0, 16)} ${text}`,
  );

describe('an alarm of a calendar entry', () => {
  test('fires once at its time, as a reminder to its person', async () => {
    await look(alarm('2026-12-03T09:00+09:00', 'dentist', '치과'));
    await look(alarm('2026-12-03T09:00+09:00', 'dentist', '치과'));
    await open.at('2026-12-03T09:00+09:00');
    await look(alarm('2026-12-03T09:00+09:00', 'dentist', '치과'));
    expect(open.messages()).toEqual(['fired: ⏰ 치과']);
    const [job] = open.journal.database.connection
      .prepare<[], { conversation: string }>('select conversation from job')
      .all();
    expect(job!.conversation).toBe('synology/dm:ann');
  });

  test('moves with its entry', async () => {
    await look(alarm('2026-12-03T09:00+09:00'));
    await look(alarm('2026-12-03T11:00+09:00'));
    expect(await active()).toEqual(['2026-12-03T02:00 dentist']);
    await open.at('2026-12-03T12:00+09:00');
    expect(open.messages()).toHaveLength(1);
    expect(open.messages()[0]).toMatch(/^late: ⏰ dentist\n\(1 h late/);
  });

  test('fires again at the new time of an entry that moves after its alarm', async () => {
    await look(alarm('2026-12-03T09:00+09:00'));
    await open.at('2026-12-03T09:00+09:00');
    await look(alarm('2026-12-04T09:00+09:00'));
    await open.at('2026-12-04T09:00+09:00');
    expect(open.messages()).toEqual(['fired: ⏰ dentist', 'fired: ⏰ dentist']);
  });

  test('is withdrawn with its entry, and returns with it', async () => {
    await look(alarm('2026-12-03T09:00+09:00'));
    await look();
    expect(await active()).toEqual([]);
    await look(alarm('2026-12-03T09:00+09:00', 'dentist', 'dentist, new room'));
    expect(await active()).toEqual(['2026-12-03T00:00 dentist, new room']);
    await look();
    await open.at('2026-12-03T09:00+09:00');
    expect(open.messages()).toEqual([]);
  });

  test('is looked for in the calendar of the person who has changed it, and of all others at intervals', async () => {
    await look();
    expect(asked).toEqual([undefined]);
    for (const one of ['ann', 'bob', 'ann']) planner.wake(one);
    await planner.settled();
    expect(asked.slice(1)).toEqual(['ann', 'bob', 'ann']);
  });

  test('has the text that its entry has now', async () => {
    await look(alarm('2026-12-03T09:00+09:00'));
    await look(alarm('2026-12-03T09:00+09:00', 'dentist', 'dentist, room 2'));
    await open.at('2026-12-03T09:00+09:00');
    expect(open.messages()).toEqual(['fired: ⏰ dentist, room 2']);
  });

  test('that a person has cancelled does not return', async () => {
    await look(alarm('2026-12-03T09:00+09:00'));
    const [one] = await open.schedules.list({ userId: 'ann' }, '', 10);
    await open.schedules.cancel(one!.id);
    await look(alarm('2026-12-03T09:00+09:00'));
    expect(await active()).toEqual([]);
    await open.planning.storage.prune(Date.parse('2026-12-20T00:00Z'));
    expect(await open.schedules.list({ userId: 'ann' }, '', 10)).toEqual([]);
  });

  test('that a person has cancelled is kept until its time, however long ago that was', async () => {
    await look(alarm('2026-12-25T09:00+09:00'));
    const [one] = await open.schedules.list({ userId: 'ann' }, '', 10);
    await open.schedules.cancel(one!.id);
    await open.planning.storage.prune(Date.parse('2026-12-20T00:00Z'));
    await look(alarm('2026-12-25T09:00+09:00'));
    expect(await active()).toEqual([]);
  });

  test('stays planned while the calendar cannot be read', async () => {
    await look(alarm('2026-12-03T09:00+09:00'));
    calendar = null;
    planner.wake();
    await planner.settled();
    await open.at('2026-12-03T09:00+09:00');
    expect(open.messages()).toEqual(['fired: ⏰ dentist']);
  });

  test('whose time passed while the process was off fires late, once', async () => {
    await look(alarm('2026-12-03T09:00+09:00'));
    await end();
    await begin('2026-12-05T09:00+09:00');
    await look(alarm('2026-12-03T09:00+09:00'));
    await look(alarm('2026-12-03T09:00+09:00'));
    expect(open.messages()).toHaveLength(1);
    expect(open.messages()[0]).toContain('2 d late');
  });

  test('that had passed long before it was seen first is not due, one just before is late', async () => {
    await look(alarm('2026-12-02T09:00+09:00', 'old'), alarm('2026-12-02T09:55+09:00', 'new'));
    expect(open.messages()).toEqual([expect.stringContaining('late: ⏰ new')]);
  });

  test('further ahead is planned later', async () => {
    await look(alarm('2027-02-01T09:00+09:00'));
    expect(await active()).toEqual([]);
    await open.at('2027-01-20T09:00+09:00');
    await look(alarm('2027-02-01T09:00+09:00'));
    expect(await active()).toEqual(['2027-02-01T00:00 dentist']);
  });

  test('in the second pass of a repeated hour is due in it', async () => {
    await end();
    folder.remove();
    folder = scratchFolder();
    await begin('2026-10-24T10:00Z');
    const inLondon = new AlarmPlanner({
      ...open.planning,
      source: {
        calendars: async () => [{ userId: 'ann', places }],
        alarms: async () => [alarm('2026-10-25T01:30Z')],
      },
      zones: createZones(),
      zone: 'Europe/London',
      clock: open.clock,
      log: silentLog(),
    });
    inLondon.start();
    await inLondon.settled();
    await inLondon.stop();
    await open.at('2026-10-25T00:30Z');
    expect(open.messages()).toEqual([]);
    await open.at('2026-10-25T01:30Z');
    expect(open.messages()).toEqual(['fired: ⏰ dentist']);
  });

  test('goes to each person of a shared calendar once', async () => {
    places = [dm, { userId: 'bob', channel: 'synology', thread: null }];
    await look(alarm('2026-12-03T09:00+09:00'));
    await open.at('2026-12-03T09:00+09:00');
    const users = open.journal.database.connection
      .prepare<[], { user_id: string }>('select user_id from job order by user_id')
      .all();
    expect(users.map((row) => row.user_id)).toEqual(['ann', 'bob']);
  });

  test('does not count for the limit of its person', async () => {
    const many = Array.from({ length: 1_100 }, (_, n) =>
      alarm(new Date(Date.parse('2026-12-03T00:00Z') + n * 60_000).toISOString(), `entry ${n}`),
    );
    await look(...many);
    expect(await open.planning.storage.countOpen('ann')).toBe(0);
    await open.schedules.create(reminder());
    await look();
    expect(await active()).toEqual(['2026-12-03T00:00 약 먹기']);
  });
});
