/** What the calendar tool asks of a calendar, and what the local one asks of storage. */
import type { CallContext } from '../tool.ts';
import type { CalendarEntry } from './event.ts';
import type { WallRange } from './occurrences.ts';

/** Why a calendar gave no answer. `message` is for logs. */
export interface CalendarFault {
  ok: false;
  code:
    | 'GH_TOOL_UNREACHABLE'
    | 'GH_TOOL_TIMEOUT'
    | 'GH_TOOL_LOGIN'
    | 'GH_TOOL_REFUSED'
    | 'GH_TOOL_UNREADABLE'
    | 'GH_TOOL_NOT_FOUND'
    | 'GH_TOOL_UNCERTAIN';
  message: string;
}

export interface EntriesFound {
  ok: true;
  /** All entries that may touch the range, and perhaps others. */
  entries: CalendarEntry[];
  /** One line per event that could not be read: UID and reason. */
  unreadable: string[];
  /** One line per thing of less weight that was left out, such as an older version of an event. */
  dropped: string[];
}

export interface NewEntry {
  /** Derived from the idempotency key: an entry with this UID is this write. */
  uid: string;
  /** The whole calendar object. */
  ics: string;
}

/** A place where entries are. One of `local-calendar.ts` and `caldav-calendar.ts`. */
export interface CalendarSource {
  /** @param range on the asker's wall, half open */
  entriesIn(range: WallRange, context: CallContext): Promise<EntriesFound | CalendarFault>;
  /**
   * Adds the entry unless one with its UID is there: then that one is it, and nothing changes. Without a
   * fault the entry is durable; a fault other than GH_TOOL_UNCERTAIN means that it was not written.
   */
  create(entry: NewEntry, context: CallContext): Promise<{ ok: true } | CalendarFault>;
}

/** One stored entry. */
export interface StoredEvent {
  uid: string;
  /** The calendar object as it came or was made. */
  ics: string;
  /** What `ics` was read as: JSON. */
  entry: string;
  /** First start and last end on the wall of the entry's own zone; `lastWall` null where it has no end. */
  firstWall: number;
  lastWall: number | null;
}

/** Entries on disk, by owner. Satisfied by the calendar store; nothing here names SQL. */
export interface EventStorage {
  /** Adds it unless the owner has one with this UID. Durable when it returns. */
  add(owner: string, event: StoredEvent, now: number): 'added' | 'there';
  /** Adds or replaces all of them in one transaction; tells in their order what became of each. */
  putAll(
    owner: string,
    events: readonly StoredEvent[],
    now: number,
  ): ('added' | 'updated' | 'unchanged')[];
  /** Entries with `firstWall < toWall` and an end after or at `fromWall`. */
  touching(owner: string, fromWall: number, toWall: number): { ics: string; entry: string }[];
  /** Texts of the owner's entries behind this one (0: from the first), oldest first. */
  textPage(owner: string, afterNum: number, limit: number): { num: number; ics: string }[];
  /** The text of one entry, null where the owner has none with this UID. */
  text(owner: string, uid: string): string | null;
}
