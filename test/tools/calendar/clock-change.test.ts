/** New entries at a time that the change of the clocks skips or repeats. */
import { expect, onTestFinished, test } from 'vitest';
import { calendarCall, localCalendar } from './local-calendar-setting.ts';
import { contextOf } from '../tool-context.ts';

test.each([
  ['America/New_York', '2026-03-08', '02:00', undefined, '03:00', '04:00'],
  ['America/New_York', '2026-03-08', '02:30', '03:30', '03:30', '04:30'],
  ['America/New_York', '2026-03-08', '02:00', '05:00', '03:00', '05:00'],
  ['Africa/Cairo', '2026-04-24', '00:00', undefined, '01:00', '02:00'],
  ['Australia/Lord_Howe', '2026-10-04', '02:00', undefined, '02:30', '03:00'],
  ['America/New_York', '2026-11-01', '01:00', undefined, '01:00', '02:00'],
])(
  'in %s on %s, an entry from %s to %s has these times in draft, reply and calendar: %s to %s',
  async (timeZone, date, time, end, start, until) => {
    const calendar = await localCalendar();
    onTestFinished(() => calendar.close());
    const { registry } = calendar;
    const context = contextOf({ timeZone, locale: 'en', now: '2026-03-01T00:00:00Z' });
    const params = { title: 'X', date, time, ...(end === undefined ? {} : { end_time: end }) };
    const { draft } = await registry.run([calendarCall('create_draft', params)], context);
    expect(draft?.summary).toContain(`${start}–${until}`);
    const written = await registry.execute(draft!, context);
    expect(written.summary).toContain(`${start}–${until}`);
    const found = await registry.run(
      [calendarCall('search', { date_from: date, date_to: date })],
      context,
    );
    expect(found.results[0]?.data).toMatchObject({
      events: [{ date, start, end: until }],
    });
  },
);
