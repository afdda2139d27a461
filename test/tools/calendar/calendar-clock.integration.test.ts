/** Calendar searches and new entries on any day (test/support/clocks.ts), local and on Radicale. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ToolRegistry } from '#tools/registry';
import { clocks, daysLater, type TestClock } from '#test/support/clocks';
import { radicaleMissing, startRadicale, type Radicale } from '#test/support/radicale';
import { caldavRegistry } from './caldav-setting.ts';
import { bareCalendar } from './calendar-texts.ts';
import { calendarCall, localCalendar } from './local-calendar-setting.ts';
import { contextOf } from '../tool-context.ts';

const missing = radicaleMissing();
if (missing !== null) console.warn(`CalDAV tests skipped: ${missing}`);

const basic = (day: string): string => day.replaceAll('-', '');

/** Events around a day, each with its UID. The zone is that of the user; the file has no definition of it. */
function eventsAround({ today, timeZone, now }: TestClock): [uid: string, ics: string][] {
  const [yesterday, tomorrow] = [daysLater(today, -1), daysLater(today, 1)];
  const start = (day: string, time: string): string =>
    `DTSTART;TZID=${timeZone}:${basic(day)}T${time}00`;
  const lastWeek = daysLater(today, -7);
  const instant = `${now.replaceAll(/[-:]/g, '').slice(0, 15)}Z`;
  const events = {
    first: `${start(today, '0000')}\nDURATION:PT30M\nSUMMARY:first minute`,
    last: `${start(today, '2359')}\nSUMMARY:last minute`,
    before: `${start(yesterday, '2359')}\nDURATION:PT1M\nSUMMARY:ends at midnight`,
    after: `${start(tomorrow, '0000')}\nSUMMARY:next midnight`,
    day: `DTSTART;VALUE=DATE:${basic(today)}\nSUMMARY:whole day`,
    trip: `DTSTART;VALUE=DATE:${basic(yesterday)}\nDTEND;VALUE=DATE:${basic(tomorrow)}\nSUMMARY:trip`,
    past: `DTSTART;VALUE=DATE:${basic(yesterday)}\nSUMMARY:yesterday`,
    weekly: `${start(lastWeek, '1000')}\nRRULE:FREQ=WEEKLY\nSUMMARY:weekly`,
    daily: `${start(lastWeek, '1100')}\nRRULE:FREQ=DAILY\nEXDATE;VALUE=DATE:${basic(today)}\nSUMMARY:not today`,
    now: `DTSTART:${instant}\nSUMMARY:now`,
  };
  return Object.entries(events).map(([uid, lines]) => [
    `${uid}-${basic(today)}-${timeZone.replaceAll(/\W/g, '')}`,
    lines,
  ]);
}

const onToday = ['first minute', 'last minute', 'now', 'trip', 'weekly', 'whole day'];

async function titlesOf(
  registry: ToolRegistry,
  clock: TestClock,
  operation: string,
  params: Record<string, unknown> = {},
): Promise<string[]> {
  const { now, timeZone } = clock;
  const context = contextOf({ now, timeZone, key: `key of ${clock.name}` });
  const { results } = await registry.run([calendarCall(operation, params)], context);
  const events = (results[0]?.data as { events: { title: string }[] } | null)?.events;
  if (events === undefined) throw new Error(results[0]?.summary);
  return events.map(({ title }) => title).sort();
}

/** The checks for both providers, with the events around the clock's day in the calendar. */
async function checkDay(registry: ToolRegistry, clock: TestClock): Promise<void> {
  const { today, now, timeZone } = clock;
  const [yesterday, tomorrow] = [daysLater(today, -1), daysLater(today, 1)];
  expect(await titlesOf(registry, clock, 'today')).toEqual(onToday);
  const one = { date_from: today, date_to: today };
  expect(await titlesOf(registry, clock, 'search', one)).toEqual(onToday);
  const before = await titlesOf(registry, clock, 'search', {
    date_to: yesterday,
    date_from: yesterday,
  });
  expect(before).toEqual(['ends at midnight', 'not today', 'trip', 'yesterday']);
  const next = await titlesOf(registry, clock, 'search', { date_from: tomorrow });
  expect(next).toEqual(['next midnight', 'not today']);
  expect(await titlesOf(registry, clock, 'search', { query: 'yesterday' })).toEqual([]);
  expect(await titlesOf(registry, clock, 'search', { query: 'next midnight' })).toEqual([
    'next midnight',
  ]);

  const params = { title: 'new entry', date: today, time: '15:00' };
  const context = contextOf({ now, timeZone, key: `new at ${now} in ${timeZone}` });
  const drafted = await registry.run([calendarCall('create_draft', params)], context);
  if (drafted.draft === null) throw new Error(drafted.results[0]?.summary);
  expect((await registry.execute(drafted.draft, context)).ok).toBe(true);
  expect(await titlesOf(registry, clock, 'today')).toContain('new entry');
}

describe('the local calendar', () => {
  let calendar: Awaited<ReturnType<typeof localCalendar>>;
  beforeEach(async () => {
    calendar = await localCalendar();
  });
  afterEach(() => calendar.close());

  test.each(clocks())('lists the entries of that day and no others $name', async (clock) => {
    const events = eventsAround(clock).map(([uid, lines]) => `UID:${uid}\n${lines}`);
    expect(await calendar.bringIn(bareCalendar(events))).toMatchObject({ unreadable: [] });
    await checkDay(calendar.registry, clock);
  });

  test.each(clocks())('expands a rule for the last day of each month $name', async (clock) => {
    const [year = 0, month = 0] = clock.today.split('-').map(Number);
    const lastDay = new Date(Date.UTC(year, month, 0)).toISOString().slice(0, 10);
    const lines = 'DTSTART;VALUE=DATE:20200131\nRRULE:FREQ=MONTHLY;BYMONTHDAY=-1\nSUMMARY:rent';
    await calendar.bringIn(bareCalendar([`UID:rent\n${lines}`]));
    const range = { date_from: clock.today, date_to: lastDay };
    expect(await titlesOf(calendar.registry, clock, 'search', range)).toEqual(['rent']);
    const isLast = clock.today === lastDay;
    expect(await titlesOf(calendar.registry, clock, 'today')).toEqual(isLast ? ['rent'] : []);
  });
});

describe.skipIf(missing !== null)('a calendar on Radicale', () => {
  let radicale: Radicale;
  let made = 0;
  beforeAll(async () => {
    radicale = await startRadicale();
  });
  afterAll(() => radicale?.stop());

  test.each(clocks())('lists the entries of that day and no others $name', async (clock) => {
    made += 1;
    const calendar = await radicale.makeCalendar(`day-${made}`);
    for (const [uid, lines] of eventsAround(clock)) {
      await calendar.put(
        uid,
        bareCalendar(
          [`UID:${uid}\nDTSTAMP:20200101T000000Z\n${lines}`],
          ['VERSION:2.0', 'PRODID:-//test//EN'],
        ),
      );
    }
    const { username, password } = radicale;
    await checkDay(caldavRegistry({ url: calendar.url, username, password }), clock);
  });
});
