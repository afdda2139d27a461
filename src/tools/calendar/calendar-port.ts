/** The ports of the calendar tool (CalendarSource) and of the local calendar (EventStorage). */
import type { TlsSettings } from '#shared/tls-options';
import type { CallContext, ServerError } from '../tool.ts';
import type { CalendarEntry } from './event.ts';
import type { WallRange } from './occurrences.ts';

export interface AlarmSettings {
  /** Alarms of entries are messages to the people of the calendar. Default: true. */
  alarms?: boolean | undefined;
  /** Minutes before the start, for entries that say nothing about alarms; null or absent: none. */
  remindMinutes?: number | null | undefined;
}

export interface CaldavSettings extends TlsSettings, AlarmSettings {
  provider: 'caldav';
  /** Address of a calendar, or of the server or user under which calendars are discovered. */
  url: string;
  username: string;
  password: string;
  /** Display name of the calendar for new entries; absent: the first calendar. */
  calendar?: string | undefined;
  /** Users with access to the calendar; absent: all users. */
  users?: readonly string[] | undefined;
}

/** The section `tools.calendar` of the configuration. */
export type CalendarSettings =
  | ({ provider: 'local'; shared: boolean } & AlarmSettings)
  | CaldavSettings;

export interface EntriesFound {
  ok: true;
  /** All entries that may overlap the range, and possibly others. */
  entries: CalendarEntry[];
  /** One line per event that could not be read: UID and reason. */
  unreadable: string[];
  /** One line per minor part that was left out, such as an older version of an event. */
  dropped: string[];
}

export interface NewEntry {
  /** Derived from the idempotency key: an entry with this UID is the result of this write. */
  uid: string;
  /** The complete calendar object (RFC 5545). */
  ics: string;
}

/** A calendar. Implemented by local-calendar.ts and caldav-calendar.ts. */
export interface CalendarSource {
  /** @param range wall time of the user's zone, half open */
  entriesIn(range: WallRange, context: CallContext): Promise<EntriesFound | ServerError>;
  /**
   * Idempotent: if an entry with this UID exists, nothing changes. On success the entry is durable; an error
   * other than GH_TOOL_UNCERTAIN means that it was not written.
   */
  create(entry: NewEntry, context: CallContext): Promise<{ ok: true } | ServerError>;
}

export interface StoredEvent {
  uid: string;
  /** The calendar object as received or generated. */
  ics: string;
  /** The parsed `ics`, as JSON. */
  entry: string;
  /** First start and last end, wall time of the entry's own zone; `lastWall` null for a series without an end. */
  firstWall: number;
  lastWall: number | null;
}

export interface EventWrite extends StoredEvent {
  /** The stored text that this event was made from; null: there was none; omitted: it does not depend on one. */
  basedOn?: string | null;
}

export type PutOutcome = 'added' | 'updated' | 'unchanged';

/**
 * Entries on disk, by owner. Each write is one transaction, durable when it returns or resolves.
 * Writes: @throws GH_STORE_UNAVAILABLE when nothing was written
 */
export interface EventStorage {
  /** Adds the event unless the owner has an event with this UID (`there`). */
  add(
    owner: string,
    event: StoredEvent,
    now: number,
  ): 'added' | 'there' | Promise<'added' | 'there'>;
  /**
   * Adds or replaces all events; returns the outcome of each, in order. `conflict`: a stored text is no longer the one
   * that its event is `basedOn`, and nothing was written.
   */
  putAll(
    owner: string,
    events: readonly EventWrite[],
    now: number,
  ): PutOutcome[] | 'conflict' | Promise<PutOutcome[] | 'conflict'>;
  /** Entries with `firstWall < toWall` and an end at or after `fromWall`. */
  touching(
    owner: string,
    fromWall: number,
    toWall: number,
  ): Promise<{ ics: string; entry: string }[]>;
  /** Texts of the owner's entries after `afterNum` (0: from the first), oldest first. */
  textPage(owner: string, afterNum: number, limit: number): Promise<{ num: number; ics: string }[]>;
  /** The text of one entry; null if the owner has no entry with this UID. */
  text(owner: string, uid: string): Promise<string | null>;
}
