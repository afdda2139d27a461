/** A parsed calendar entry: plain JSON, so that it can be stored beside its text and expanded without parsing. */
import { type WallMs, startOfDay, type Zones } from '#shared/calendar/zoned-time';
import type { RecurrenceRule } from './recurrence.ts';

/**
 * A point in a calendar. `date`: a day, the same day in every zone. `floating`: wall time of the viewer's zone.
 * `zoned`: wall time of `zone`, an IANA name or an offset.
 */
export interface Moment {
  kind: 'date' | 'floating' | 'zoned';
  wall: WallMs;
  /** Null unless `zoned`. */
  zone: string | null;
}

/** An additional time (RDATE); `lengthMs` if it was written as a period with its own length. */
export interface AddedMoment extends Moment {
  lengthMs?: number;
}

/** Orders the versions of one event; see event-versions.ts. Epoch ms, null if not written. */
export interface VersionStamps {
  sequence: number;
  modified: number | null;
  stamped: number | null;
}

/** An alarm of an entry (VALARM). */
export interface EventAlarm {
  /** Absolute, or relative to the start or end of each instance: days on the calendar, then elapsed milliseconds. */
  trigger: Moment | { from: 'start' | 'end'; days: number; ms: number };
  /** Further times after the first one. */
  repeat: number;
  repeatMs: number;
  /** Times up to this one (epoch ms) were dismissed in another program; null: none. */
  dismissedUntil: number | null;
}

/** One VEVENT: the entry itself, or a moved or changed instance of it. */
export interface EventPart {
  title: string;
  description: string;
  location: string;
  start: Moment;
  /** Milliseconds: wall time for days and floating times, elapsed time for zoned times. */
  lengthMs: number;
  /** Days of `lengthMs` that are calendar days, even if the clocks change meanwhile (RFC 5545, 3.8.5.3). */
  nominalDays: number;
  /** False for an entry that does not block its time (TRANSP:TRANSPARENT). */
  busy: boolean;
  cancelled: boolean;
  /** The instance that this part replaces (RECURRENCE-ID); null for the entry itself. */
  instance: Moment | null;
  /** The part replaces all later instances too (RANGE=THISANDFUTURE). */
  andLater: boolean;
  rules: RecurrenceRule[];
  added: AddedMoment[];
  /** Excluded times (EXDATE). */
  left: Moment[];
  /** Rules whose times are excluded (EXRULE, RFC 2445). */
  leftRules: RecurrenceRule[];
  version: VersionStamps;
  /** Absent: the entry says nothing about alarms. Empty: it has none on purpose. */
  alarms?: EventAlarm[];
}

/** All parts of one UID. Each part with `instance` null is a separate event: some programs reuse a UID. */
export interface CalendarEntry {
  uid: string;
  parts: EventPart[];
}

/** An entry, or one instance of it, in wall time of the viewer's zone. */
export interface Occurrence {
  uid: string;
  title: string;
  description: string;
  location: string;
  allDay: boolean;
  start: WallMs;
  /** Exclusive; equal to `start` for a reminder without a duration. */
  end: WallMs;
  busy: boolean;
  recurring: boolean;
}

/**
 * The wall time of the moment in the form and zone of the start.
 * - The moment is a day, the start a time: that day at the start's time of day.
 * - The moment is a time, the start a day: the day of the time in its own zone. A UTC time is first converted to
 *   `calendarZone`, except midnight in UTC, which means the day that is written.
 * - Both are times: a moment without a zone is in the zone of the start already; any other is converted to that zone. The
 *   instant of a time in a gap of the clocks has two wall times (02:30 is 03:30): that of the start counts.
 * @param calendarZone zone of a start without a zone; if the file names none, the viewer's zone
 */
export function wallOnStart(
  moment: Moment,
  start: Moment,
  calendarZone: string,
  zones: Zones,
): WallMs {
  const { wall, zone } = moment;
  if (start.kind === 'date') {
    const isInstant = zone === 'UTC' && wall !== startOfDay(wall);
    return startOfDay(isInstant ? zones.toWallTime(wall, calendarZone) : wall);
  }
  if (moment.kind === 'date') return wall + (start.wall - startOfDay(start.wall));
  const target = start.zone ?? calendarZone;
  if (zone === null || zone === target) return wall;
  const instant = zones.toInstant(wall, zone);
  const shown = zones.toWallTime(instant, target);
  const atStart = startOfDay(shown) + (start.wall - startOfDay(start.wall));
  return zones.toInstant(atStart, target) === instant ? atStart : shown;
}
