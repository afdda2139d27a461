/**
 * Random rules, restarts and clock jumps, against minute-model.ts, which shares no code with src/schedules: each due minute
 * fires once, or a message counts it as missed. No time has two messages.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { scratchFolder } from '#test/support/journal';
import { openSchedules, reminder } from '#test/support/schedules';
import { cronOf, dueMinutes, type Pattern } from './minute-model.ts';

const minuteMs = 60_000;
/** A few hours before a clock change of the zone; Seoul has none. */
const begins: [zone: string, at: string][] = [
  ['Asia/Seoul', '2026-12-30T10:00Z'],
  ['America/New_York', '2026-03-08T02:00Z'],
  ['America/New_York', '2026-11-01T01:00Z'],
  ['Europe/London', '2026-03-28T20:00Z'],
  ['Europe/London', '2026-10-24T20:00Z'],
  ['Australia/Lord_Howe', '2026-10-03T10:00Z'],
  ['Australia/Lord_Howe', '2026-04-04T10:00Z'],
  ['Africa/Cairo', '2026-04-23T16:00Z'],
  ['Africa/Cairo', '2026-10-29T16:00Z'],
];

type Step = { kind: 'on' | 'off' | 'back'; minutes: number };

const some = (least: number, most: number, size: number) =>
  fc.uniqueArray(fc.integer({ min: least, max: most }), { minLength: 1, maxLength: size });
const always = (list: number[]) => fc.constant(list);
const pattern: fc.Arbitrary<Pattern> = fc.record({
  minutes: fc.oneof(some(0, 59, 2), always([0]), always([0, 30])),
  hours: fc.oneof(some(0, 23, 4), some(0, 3, 3)),
  monthDays: fc.oneof(always([]), always([-1]), some(1, 31, 8)),
  weekdays: fc.oneof(always([]), some(0, 6, 4)),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  // The clock goes on, by minutes or by a sleep of up to two days.
  { weight: 5, arbitrary: on('on', 1, 240) },
  { weight: 2, arbitrary: on('on', 240, 2_880) },
  // The process ends, and starts later.
  { weight: 2, arbitrary: on('off', 1, 2_880) },
  // The clock is set back.
  { weight: 1, arbitrary: on('back', 2, 600) },
);

function on(kind: Step['kind'], min: number, max: number): fc.Arbitrary<Step> {
  // Half hours too: a step then ends exactly at a due time.
  const halfHours = fc.integer({ min: Math.ceil(min / 30), max: Math.floor(max / 30) });
  return fc
    .oneof(
      fc.integer({ min, max }),
      halfHours.map((count) => count * 30),
    )
    .map((minutes) => ({ kind, minutes }));
}

test('Each due minute of random histories fires once, or a message counts it as missed', async () => {
  const history = fc.array(step, { minLength: 4, maxLength: 14 });
  await fc.assert(fc.asyncProperty(pattern, fc.constantFrom(...begins), history, checkHistory), {
    numRuns: 100,
  });
}, 120_000);

async function checkHistory(
  one: Pattern,
  [zone, begin]: [string, string],
  steps: Step[],
): Promise<void> {
  const folder = scratchFolder();
  const path = `${folder.path}/gatehouse.db`;
  const created = Date.parse(begin);
  let [now, latest, earliest] = [created, created, created];
  const passed: [from: number, to: number][] = [];
  let open = await openSchedules(path, begin);
  try {
    const rule = { cron: cronOf(one) };
    const made = await open.schedules.create(reminder({ rule, zone, text: 'x' }));
    for (const { kind, minutes } of steps) {
      const before = now;
      now += (kind === 'back' ? -minutes : minutes) * minuteMs;
      latest = Math.max(latest, now);
      earliest = Math.min(earliest, now);
      if (now > before) passed.push([before, now]);
      const iso = new Date(now).toISOString();
      if (kind === 'off') {
        await open.close();
        open = await openSchedules(path, iso);
      } else await open.at(iso);
    }
    const records = await open.schedules.history(made.id, 10_000);
    // A clock that is set back to a time before the schedule was made was ahead then.
    const due = dueMinutes(one, zone, earliest, latest);
    const required = due.filter((at) => at > created);
    const fired = records.map(({ dueAt }) => dueAt).sort((a, b) => a - b);
    expect(new Set(fired).size, 'no time has two messages').toBe(fired.length);
    expect(open.messages()).toHaveLength(fired.length);
    const covered = new Set(
      records.flatMap(({ dueAt, missedBefore }) => {
        const at = due.indexOf(dueAt);
        expect(at, `${new Date(dueAt).toISOString()} is due`).toBeGreaterThanOrEqual(0);
        return due.slice(Math.max(0, at - missedBefore), at + 1);
      }),
    );
    expect(required.filter((at) => !covered.has(at))).toEqual([]);
    // Also a time that a clock that was ahead had counted as missed: the last one of each step has its own message.
    for (const [from, to] of passed) {
      const last = required.findLast((at) => at > from && at <= to);
      if (last !== undefined) expect(fired).toContain(last);
    }
    // Without a clock that was set back, the numbers are exact.
    if (steps.every(({ kind }) => kind !== 'back')) {
      const counted = records.reduce((sum, { missedBefore }) => sum + 1 + missedBefore, 0);
      expect(counted).toBe(required.length);
    }
  } finally {
    await open.close();
    folder.remove();
  }
}
