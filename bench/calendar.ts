/**
 * Time of a query for one week in a calendar of 5,000 entries: the calendar's own time, medians.
 * `node bench/calendar.ts [entries]`. A tenth of the entries recur without an end, for up to ten years already.
 */
import { createCalendarStore } from '#tools/calendar/store/calendar-store';
import { openDatabase } from '#storage/database';
import { silentLog } from '#shared/log';
import { createCalendarTool } from '#tools/calendar/calendar-tool';
import { createEventParser } from '#tools/calendar/event-parser';
import { importIcs } from '#tools/calendar/ics-transfer';
import { createLocalCalendar } from '#tools/calendar/local-calendar';
import { occurrencesIn } from '#tools/calendar/occurrences';
import { createToolRegistry } from '#tools/registry';
import { createZones, wallTime } from '#shared/calendar/zoned-time';

const entries = Number(process.argv[2] ?? 5000);
const runs = 41;

function icsOf(count: number): string {
  const rules = [
    'FREQ=WEEKLY;BYDAY=MO,WE',
    'FREQ=DAILY',
    'FREQ=MONTHLY;BYDAY=-1FR',
    'FREQ=YEARLY',
    'FREQ=WEEKLY;INTERVAL=2',
  ];
  const pad = (value: number): string => String(value).padStart(2, '0');
  const events = Array.from({ length: count }, (_, n) => {
    const date = `${2016 + (n % 11)}${pad((n % 12) + 1)}${pad((n % 28) + 1)}`;
    const start = `DTSTART;TZID=Asia/Seoul:${date}T${pad(8 + (n % 10))}0000`;
    const rule = n % 10 === 0 ? `RRULE:${rules[(n / 10) % rules.length]}\r\n` : '';
    return `BEGIN:VEVENT\r\nUID:${n}\r\nDTSTAMP:20160101T000000Z\r\n${start}\r\nDURATION:PT1H\r\n${rule}SUMMARY:일정 ${n}\r\nDESCRIPTION:설명 ${n}\r\nEND:VEVENT\r\n`;
  });
  return `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:bench\r\n${events.join('')}END:VCALENDAR\r\n`;
}

async function median(work: () => unknown): Promise<string> {
  const times: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
  }
  const [first] = times;
  times.sort((a, b) => a - b);
  const p = (share: number): string => (times[Math.floor((runs - 1) * share)] ?? 0).toFixed(2);
  return `first ${first?.toFixed(2)} ms, median ${p(0.5)} ms, worst ${p(1)} ms`;
}

const database = await openDatabase({ path: ':memory:' });
const storage = createCalendarStore(database);
const zones = createZones();
const text = icsOf(entries);
const begin = performance.now();
const imported = await importIcs(text, { storage, zones, owner: 'local', now: 0 });
console.log(`import of ${imported.added} entries: ${(performance.now() - begin).toFixed(0)} ms`);

const log = silentLog();
const source = createLocalCalendar({ storage, zones });
const registry = createToolRegistry({ tools: [createCalendarTool({ source, zones, log })], log });
const context = {
  userId: 'local',
  locale: 'ko' as const,
  now: '2026-11-18T09:00:00+09:00',
  timeZone: 'Asia/Seoul',
  signal: new AbortController().signal,
  key: 'bench',
};
const ask = (params: Record<string, string>) => () =>
  registry.run([{ tool: 'calendar', operation: 'search', params }], context);
const week = { date_from: '2026-11-16', date_to: '2026-11-22' };
console.log(`local, a week:  ${await median(ask(week))}`);
console.log(`local, a year:  ${await median(ask({ ...week, date_to: '2027-11-15' }))}`);

// The cost of a CalDAV query in this process, after the server has returned every entry.
const reader = createEventParser(zones);
const parseBegin = performance.now();
const parsed = reader.parse(text).entries;
console.log(`reading all entries from text: ${(performance.now() - parseBegin).toFixed(0)} ms`);
const range = { from: wallTime(2026, 11, 16), to: wallTime(2026, 11, 23) };
const expand = await median(() => occurrencesIn(parsed, range, 'Asia/Seoul', zones));
console.log(`expanding all entries, a week: ${expand}`);
await database.close();
