/**
 * Resolves a TZID to a zone. Calendars use the zone names of IANA or of Windows, names with a path prefix, or names
 * of their own that only their VTIMEZONE defines.
 */
import ICAL from 'ical.js';
import { dayMs, minuteMs } from '#shared/calendar/time-units';
import { wallTime, type WallMs, type Zones } from '#shared/calendar/zoned-time';
import { parseRule, wallOfTime } from './recurrence-parser.ts';
import { timesOf, type RecurrenceRule } from './recurrence.ts';

/** Windows names and their main IANA zone, from CLDR's windowsZones (territory 001). */
const windowsZones: Readonly<Record<string, string>> = {
  'Korea Standard Time': 'Asia/Seoul',
  'North Korea Standard Time': 'Asia/Pyongyang',
  'Tokyo Standard Time': 'Asia/Tokyo',
  'China Standard Time': 'Asia/Shanghai',
  'Taipei Standard Time': 'Asia/Taipei',
  'Singapore Standard Time': 'Asia/Singapore',
  'SE Asia Standard Time': 'Asia/Bangkok',
  'India Standard Time': 'Asia/Kolkata',
  'Arabian Standard Time': 'Asia/Dubai',
  'Arab Standard Time': 'Asia/Riyadh',
  'Israel Standard Time': 'Asia/Jerusalem',
  'Turkey Standard Time': 'Europe/Istanbul',
  'Russian Standard Time': 'Europe/Moscow',
  'Vladivostok Standard Time': 'Asia/Vladivostok',
  'AUS Eastern Standard Time': 'Australia/Sydney',
  'E. Australia Standard Time': 'Australia/Brisbane',
  'Cen. Australia Standard Time': 'Australia/Adelaide',
  'AUS Central Standard Time': 'Australia/Darwin',
  'W. Australia Standard Time': 'Australia/Perth',
  'Tasmania Standard Time': 'Australia/Hobart',
  'New Zealand Standard Time': 'Pacific/Auckland',
  'GMT Standard Time': 'Europe/London',
  'Greenwich Standard Time': 'Atlantic/Reykjavik',
  'W. Europe Standard Time': 'Europe/Berlin',
  'Romance Standard Time': 'Europe/Paris',
  'Central Europe Standard Time': 'Europe/Budapest',
  'Central European Standard Time': 'Europe/Warsaw',
  'E. Europe Standard Time': 'Europe/Chisinau',
  'FLE Standard Time': 'Europe/Kiev',
  'GTB Standard Time': 'Europe/Bucharest',
  'South Africa Standard Time': 'Africa/Johannesburg',
  'Egypt Standard Time': 'Africa/Cairo',
  'E. Africa Standard Time': 'Africa/Nairobi',
  'W. Central Africa Standard Time': 'Africa/Lagos',
  'Eastern Standard Time': 'America/New_York',
  'US Eastern Standard Time': 'America/Indianapolis',
  'Central Standard Time': 'America/Chicago',
  'Canada Central Standard Time': 'America/Regina',
  'Mountain Standard Time': 'America/Denver',
  'US Mountain Standard Time': 'America/Phoenix',
  'Pacific Standard Time': 'America/Los_Angeles',
  'Alaskan Standard Time': 'America/Anchorage',
  'Hawaiian Standard Time': 'Pacific/Honolulu',
  'Atlantic Standard Time': 'America/Halifax',
  'Newfoundland Standard Time': 'America/St_Johns',
  'E. South America Standard Time': 'America/Sao_Paulo',
  'Argentina Standard Time': 'America/Buenos_Aires',
  'SA Pacific Standard Time': 'America/Bogota',
  UTC: 'UTC',
  'Coordinated Universal Time': 'UTC',
  // Names of the Korean edition of Windows.
  '대한민국 표준시': 'Asia/Seoul',
  '도쿄 표준시': 'Asia/Tokyo',
  '중국 표준시': 'Asia/Shanghai',
  '협정 세계시': 'UTC',
};

/** Unambiguous abbreviations. Others, such as CST and IST, mean several zones. */
const abbreviations: Readonly<Record<string, string>> = {
  KST: 'Asia/Seoul',
  JST: 'Asia/Tokyo',
  CET: 'Europe/Berlin',
  CEST: 'Europe/Berlin',
};

const windowsZoneOf = new Map(
  Object.entries(windowsZones).map(([name, zone]) => [name.toLowerCase(), zone]),
);

export interface ZoneResolver {
  /** The zone of a TZID around the time `near`, or null: then its times are floating. */
  resolve(tzid: string, calendar: ICAL.Component, near: WallMs): string | null;
}

/** @param zones for checking zone names and comparing offsets */
export function createZoneResolver(zones: Zones): ZoneResolver {
  return {
    resolve(tzid, calendar, near) {
      const name = normalizeTzid(tzid);
      const known = resolveKnownName(name, zones);
      if (known !== null) return known;
      const definition = calendar
        .getAllSubcomponents('vtimezone')
        .find((zone) => normalizeTzid(String(zone.getFirstPropertyValue('tzid'))) === name);
      const defined = definition === undefined ? null : matchZoneByOffsets(definition, near, zones);
      return defined ?? parseOffset(name) ?? abbreviations[name.toUpperCase()] ?? null;
    },
  };
}

const normalizeTzid = (tzid: string): string => tzid.trim().replaceAll('"', '');

/** The offset in `GMT+0900`, `UTC+9`, `+09:00`, `(UTC+09:00) Seoul`; null if the name has none. */
function parseOffset(name: string): string | null {
  const match = /^\(?(?:(?:GMT|UTC)\s*)?([+-])(\d{1,2})(?::?([0-5]\d))?(?:\)|$)/i.exec(name);
  if (match === null) return null;
  const [, sign = '', hours = '', minutes = '00'] = match;
  return Number(hours) > 14 ? null : `${sign}${hours.padStart(2, '0')}:${minutes}`;
}

/** `Asia/Seoul`, `Korea Standard Time`, `/some.producer/20050126_1/Asia/Seoul`. */
function resolveKnownName(name: string, zones: Zones): string | null {
  // Exchange numbers the definitions of one zone: `Korea Standard Time 1`.
  const windows = windowsZoneOf.get(name.toLowerCase().replace(/ \d+$/, ''));
  if (windows !== undefined) return windows;
  const parts = name.split('/').filter((part) => part !== '');
  for (let from = 0; from < parts.length; from += 1) {
    const candidate = parts.slice(from).join('/');
    // A single word such as "KST" or "Local" is treated as a private name, unless it is UTC.
    const isName = candidate.includes('/') || /^(?:UTC|GMT|Z)$/i.test(candidate);
    if (isName && zones.isKnownZone(candidate)) return candidate === 'Z' ? 'UTC' : candidate;
  }
  return null;
}

/** A zone of `windowsZones` with the same offsets through the year as the definition, else the offset at `near`. */
function matchZoneByOffsets(definition: ICAL.Component, near: WallMs, zones: Zones): string | null {
  const location = definition.getFirstPropertyValue('x-lic-location');
  if (typeof location === 'string' && zones.isKnownZone(location)) return location;
  const observances = observancesOf(definition);
  if (observances.length === 0) return null;
  const year = new Date(near).getUTCFullYear();
  const samples = Array.from({ length: 12 }, (_, month) => wallTime(year, month + 1, 15, 12));
  const offsets = samples.map((at) => offsetAt(observances, at));
  const isSame = (name: string): boolean =>
    samples.every((at, index) => at - zones.toInstant(at, name) === offsets[index]);
  return Object.values(windowsZones).find(isSame) ?? formatOffset(offsetAt(observances, near));
}

/** A STANDARD or DAYLIGHT part of a VTIMEZONE: an offset, and the times from which it applies. */
interface Observance {
  start: WallMs;
  rules: RecurrenceRule[];
  offsetMs: number;
}

function observancesOf(definition: ICAL.Component): Observance[] {
  const parts = ['standard', 'daylight'].flatMap((name) => definition.getAllSubcomponents(name));
  return parts.flatMap((part) => {
    const start = part.getFirstPropertyValue('dtstart');
    const offset = part.getFirstPropertyValue('tzoffsetto');
    if (!(start instanceof ICAL.Time) || !(offset instanceof ICAL.UtcOffset)) return [];
    const rules = part
      .getAllProperties('rrule')
      .map((property) => property.getFirstValue())
      .flatMap((recur) => (recur instanceof ICAL.Recur ? [parseRule(recur, wallOfTime)] : []))
      .filter((rule) => rule !== null);
    return [{ start: wallOfTime(start), rules, offsetMs: offset.toSeconds() * 1000 }];
  });
}

/**
 * The offset of the observance that began last before `at`. Expanded by recurrence.ts: the expansion of ical.js does
 * not terminate for every rule, and anyone can send an invitation.
 */
function offsetAt(observances: readonly Observance[], at: WallMs): number {
  const [first] = observances;
  let latest = Number.NEGATIVE_INFINITY;
  let offsetMs = first?.offsetMs ?? 0;
  for (const one of observances) {
    const since = at - 400 * dayMs;
    const onsets = one.rules.flatMap((rule) => timesOf(rule, one.start, since, at + 1).times);
    const onset = Math.max(one.start <= at ? one.start : Number.NEGATIVE_INFINITY, ...onsets);
    if (onset > latest) [latest, offsetMs] = [onset, one.offsetMs];
  }
  return offsetMs;
}

function formatOffset(offsetMs: number): string {
  const minutes = Math.round(Math.abs(offsetMs) / minuteMs);
  const pad = (value: number): string => String(value).padStart(2, '0');
  return `${offsetMs < 0 ? '-' : '+'}${pad(Math.floor(minutes / 60))}:${pad(minutes % 60)}`;
}
