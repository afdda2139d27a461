/** What the reading of a time for a reminder gives, and the parts that it is made of. */
import { clockTime, isoDate, type CivilDay, type LocalNow } from '#shared/calendar/civil-date';
import type { DateErrorReason } from '../dates/date-pattern.ts';
import type { DateParseResult } from '../dates/parse-dates.ts';
import type { ParsedDuration } from '../dates/parse-durations.ts';
import type { TimeParseResult } from '../dates/parse-times.ts';
import type { ParsedRecurrence } from '../dates/recurrence.ts';
import { alternation } from '../word-lists.ts';
import type { HalfCue } from './clock-half.ts';

/** `YYYY-MM-DDTHH:MM[:SS]` on the wall clock of the zone. */
export type WallText = string;

export interface OnceRule {
  once: WallText;
  /** In an hour that an autumn change repeats: the second one. */
  repeated?: 'second';
}
export interface CronRule {
  cron: string;
  every?: { n: number; unit: 'day' | 'week' | 'month' };
}

export interface KnownWhen {
  ok: true;
  rule: OnceRule | CronRule;
  /** Of a repetition. */
  start?: WallText;
  end?: WallText;
  /** The words have a second meaning: a person shall see the time before it is set. */
  isDoubtful: boolean;
}

/**
 * - `when`: no time is named, or not in a form that is understood
 * - `time`, `day`: that part is missing, or names several
 * - `half`: am or pm; `midnight`: at the beginning or at the end of the day; `noon`: noon or midnight
 * - `past`: it is over
 * - `times`: several times that one schedule cannot have
 * - `interval`: does not fit into an hour or a day
 * - `zone`: the time of another time zone
 */
export type AskedBack =
  | 'when'
  | 'time'
  | 'day'
  | 'half'
  | 'midnight'
  | 'noon'
  | 'past'
  | 'times'
  | 'interval'
  | 'zone'
  | 'badTime'
  | DateErrorReason;

export interface UnknownWhen {
  ok: false;
  ask: AskedBack;
  /** The words that are meant. */
  text: string;
}

export type When = KnownWhen | UnknownWhen;

export interface WhenContext extends LocalNow {
  /** The request is to be woken: hours are in the morning. */
  wakes?: boolean;
}

export interface WhenParts {
  recurrences: ParsedRecurrence[];
  durations: ParsedDuration[];
  dates: DateParseResult | null;
  times: TimeParseResult | null;
}

export const unknown = (ask: AskedBack, text: string): UnknownWhen => ({
  ok: false,
  ask,
  text: text.trim(),
});

/** The cities of the IANA zones, in lower case. */
const cities = Intl.supportedValuesOf('timeZone').map((zone) =>
  zone
    .slice(zone.lastIndexOf('/') + 1)
    .replaceAll('_', ' ')
    .toLowerCase(),
);
const zoneNames = `utc|gmt|[ecmp][sd]t|et|bst|cest|cet|kst|jst|ist|aest|aedt|(?:eastern|central|mountain|pacific|${alternation(cities)})\\s+(?:standard\\s+|daylight\\s+)?time`;
const otherZone = new RegExp(
  `(?:\\d|[ap]\\.?m\\.?|\\bnoon|\\bmidnight|o'?clock|시|분|반)\\s*\\b(?:${zoneNames})(?![a-z])|[가-힣]{2,}\\s*시간(?:으로|\\s*기준)`,
  'u',
);

const leadingZone = new RegExp(`^(?:${zoneNames})(?![a-z])\\s*(?:to\\s+)?`, 'iu');

/** The content of a reminder without the name of a zone, which stood after its time. */
export const withoutZone = (content: string): string => content.replace(leadingZone, '');

/** Whether a clock time is that of a named zone: 3pm EST, 15:00 UTC, 뉴욕 시간으로. Zones are not converted. */
export const namesZone = (text: string): boolean => otherZone.test(text);

export const wallAt = (day: CivilDay, minutes: number): WallText =>
  `${isoDate(day + Math.floor(minutes / 1440))}T${clockTime(minutes)}`;

/** The half of the day that the words around an hour name: tomorrow morning … at 8. */
export function cueOf(text: string, { wakes = false }: WhenContext): HalfCue {
  const isEarly = /아침|새벽|오전|\bmornings?\b|\bbreakfast\b|\bdawn\b/u.test(text);
  const isLate = /오후|저녁|\bafternoons?\b|\bevenings?\b|\bdinner\b/u.test(text);
  if (isEarly !== isLate) return isEarly ? 'am' : 'pm';
  if (!isEarly && /밤(?![가-힣])|밤에|밤마다|\bnights?\b|\bnightly\b|\btonight\b/u.test(text))
    return 'night';
  return wakes && !isLate ? 'wake' : null;
}
