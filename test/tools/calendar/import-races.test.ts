/** Imports of calendar files at the same time, with every order of their reads and writes. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { importIcs } from '#tools/calendar/ics-transfer';
import { calendarOf } from './calendar-texts.ts';
import { localCalendar } from './local-calendar-setting.ts';
import { interleaved } from '#test/support/interleaved';

const series = calendarOf([
  'UID:v\nSUMMARY:매일\nDTSTART:20270111T090000\nDTEND:20270111T100000\nRRULE:FREQ=DAILY;COUNT=5',
]);
const changeOf = (day: number): string =>
  calendarOf([
    `UID:v\nSUMMARY:변경 ${day}\nSEQUENCE:1\nRECURRENCE-ID:202701${day}T090000\nDTSTART:202701${day}T150000\nDTEND:202701${day}T160000`,
  ]);

test('two imports that each change an instance of one series both take effect', async () => {
  await fc.assert(
    fc.asyncProperty(fc.scheduler(), async (scheduler) => {
      const local = await localCalendar();
      await local.bringIn(series);
      const storage = interleaved(scheduler, local.storage);
      const options = { storage, zones: local.zones, owner: 'minji', now: 0 };
      const both = Promise.all([12, 13].map((day) => importIcs(changeOf(day), options)));
      const reports = await scheduler.waitFor(both);
      expect(reports).toMatchObject([{ updated: 1 }, { updated: 1 }]);
      const [text] = await local.texts('minji');
      expect(text).toContain('변경 12');
      expect(text).toContain('변경 13');
      await local.close();
    }),
    { numRuns: 40 },
  );
});

test('an import of a file with U+0000 stores its events without it', async () => {
  const local = await localCalendar();
  const text = calendarOf(['UID:n\0ul\nSUMMARY:치\0과\nDTSTART:20270111T090000']);
  expect(await local.bringIn(text)).toMatchObject({ added: 1, unreadable: [] });
  const [stored] = await local.texts('minji');
  expect(stored).toContain('SUMMARY:치과');
  expect(stored).not.toContain('\0');
  expect(await local.storage.text('minji', 'nul')).toBe(stored);
  await local.close();
});
