/**
 * A calendar entry as this system reads it: plain JSON, so that it can be stored beside the text it came
 * from and expanded again without parsing.
 */
import type { WallMs } from '../zoned-time.ts';
import type { RecurrenceRule } from './recurrence.ts';

/**
 * A point in a calendar. `date`: a day, the same day everywhere. `floating`: the wall time of whoever looks.
 * `zoned`: the wall time of `zone`, an IANA name or an offset.
 */
export interface Moment {
  kind: 'date' | 'floating' | 'zoned';
  wall: WallMs;
  /** Null unless `zoned`. */
  zone: string | null;
}

/** A further time (RDATE); `lengthMs` where it was written as a period of its own length. */
export interface AddedMoment extends Moment {
  lengthMs?: number;
}

/** What tells versions of one event apart; see versions.ts. Epoch ms, null where it is not written. */
export interface VersionStamps {
  sequence: number;
  /** LAST-MODIFIED. */
  modified: number | null;
  /** DTSTAMP. */
  stamped: number | null;
}

/** One VEVENT: the entry itself, or one instance of it that was moved or changed. */
export interface EventPart {
  title: string;
  description: string;
  location: string;
  start: Moment;
  /** Milliseconds: of wall time for days and floating times, of real time for zoned ones. */
  lengthMs: number;
  /** Days of `lengthMs` that are days of the wall, also where the clocks change meanwhile (RFC 5545, 3.8.5.3). */
  nominalDays: number;
  /** False for an entry that leaves its time free. */
  busy: boolean;
  cancelled: boolean;
  /** The instance that this part stands for; null for the entry itself. */
  instance: Moment | null;
  /** It stands for all later instances too (RANGE=THISANDFUTURE). */
  andLater: boolean;
  rules: RecurrenceRule[];
  /** Further times (RDATE). */
  added: AddedMoment[];
  /** Times left out (EXDATE). */
  left: Moment[];
  /** Rules whose times are left out (EXRULE, RFC 2445). */
  leftRules: RecurrenceRule[];
  version: VersionStamps;
}

/** All parts of one UID. Parts without an instance are events of their own: some programs give all one UID. */
export interface CalendarEntry {
  uid: string;
  parts: EventPart[];
}

/** An entry, or one instance of it, as it lies on the wall of whoever asked. */
export interface Occurrence {
  uid: string;
  title: string;
  description: string;
  location: string;
  allDay: boolean;
  start: WallMs;
  /** Exclusive; equal to `start` for a reminder without a length. */
  end: WallMs;
  busy: boolean;
  recurring: boolean;
}
