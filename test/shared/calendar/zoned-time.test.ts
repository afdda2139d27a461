import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  wallClockTime,
  createZones,
  wallIsoDate,
  parseTimeOfDay,
  wallTime,
  parseIsoDate,
} from '#shared/calendar/zoned-time';

const zones = createZones();

describe('zoned time', () => {
  test('in Seoul is nine hours ahead of UTC, also after midnight', () => {
    const instant = Date.parse('2026-11-17T15:30:00Z');
    expect(wallIsoDate(zones.toWallTime(instant, 'Asia/Seoul'))).toBe('2026-11-18');
    expect(wallClockTime(zones.toWallTime(instant, 'Asia/Seoul'))).toBe('00:30');
    expect(zones.toInstant(wallTime(2026, 11, 18, 0, 30), 'Asia/Seoul')).toBe(instant);
  });

  test('that the change to summer time skips is read with the offset before the change', () => {
    const instant = zones.toInstant(wallTime(2026, 3, 8, 2, 30), 'America/New_York');
    expect(new Date(instant).toISOString()).toBe('2026-03-08T07:30:00.000Z');
  });

  test('that the change to winter time repeats is read as the earlier of the two instants', () => {
    const instant = zones.toInstant(wallTime(2026, 11, 1, 1, 30), 'America/New_York');
    expect(new Date(instant).toISOString()).toBe('2026-11-01T05:30:00.000Z');
  });

  test('converts back to its instant, except in an hour that the clocks repeat', () => {
    const zone = fc.constantFrom('Asia/Seoul', 'UTC', 'Asia/Kolkata', '+09:30', 'America/St_Johns');
    const minute = fc.integer({ min: -20_000_000, max: 40_000_000 });
    fc.assert(
      fc.property(zone, minute, (name, at) => {
        const instant = at * 60_000;
        const back = zones.toInstant(zones.toWallTime(instant, name), name);
        const isRepeated =
          zones.toWallTime(back, name) === zones.toWallTime(instant, name) && back < instant;
        expect(isRepeated || back === instant).toBe(true);
      }),
    );
  });

  test('is parsed only from days and times that exist', () => {
    expect(parseIsoDate('2028-02-29')).toBe(wallTime(2028, 2, 29));
    for (const date of ['2026-02-29', '2026-13-01', '2026-11-31', '26-1-1', '']) {
      expect(parseIsoDate(date)).toBeNull();
    }
    expect(parseTimeOfDay('24:00')).toBe(86_400_000);
    for (const time of ['24:01', '12:60', '1200', '']) expect(parseTimeOfDay(time)).toBeNull();
  });

  test('in an unknown zone is reported as unknown', () => {
    expect(zones.isKnownZone('Asia/Seoul')).toBe(true);
    expect(zones.isKnownZone('Asia/Atlantis')).toBe(false);
  });
});
