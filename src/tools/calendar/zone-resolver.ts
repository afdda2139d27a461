/** Resolves a TZID: a zone name of IANA or Windows, with a path prefix, or a name that only its VTIMEZONE defines. */
import ICAL from 'ical.js';
import { WINDOWS_TO_IANA_MAP } from 'windows-iana';
import { dayMs, minuteMs } from '#shared/calendar/time-units';
import { wallTime, type WallMs, type Zones } from '#shared/calendar/zoned-time';
import { parseRule, wallOfTime } from './recurrence-parser.ts';
import { timesOf, type RecurrenceRule } from './recurrence.ts';

/** The main zone of each Windows name, from CLDR (territory 001). */
const mainZones = WINDOWS_TO_IANA_MAP.flatMap(
  ({ windowsName, territory, iana }): [string, string][] =>
    territory === '001' ? [[windowsName, iana[0]]] : [],
);

/** Names that CLDR does not have: of older programs, and of the Korean edition of Windows. */
const otherNames: Readonly<Record<string, string>> = {
  UTC: 'UTC',
  'Coordinated Universal Time': 'UTC',
  '대한민국 표준시': 'Asia/Seoul',
  '도쿄 표준시': 'Asia/Tokyo',
  '중국 표준시': 'Asia/Shanghai',
  '타이베이 표준시': 'Asia/Taipei',
  '싱가포르 표준시': 'Asia/Singapore',
  '서유럽 표준시': 'Europe/Berlin',
  '태평양 표준시': 'America/Los_Angeles',
  '동부 표준시': 'America/New_York',
  '협정 세계시': 'UTC',
};

/** Unambiguous abbreviations. Others, such as CST and IST, mean several zones. */
const abbreviations: Readonly<Record<string, string>> = {
  KST: 'Asia/Seoul',
  JST: 'Asia/Tokyo',
  CET: 'Europe/Berlin',
  CEST: 'Europe/Berlin',
};

const windowsZones = new Map(
  [...mainZones, ...Object.entries(otherNames)].map(([name, zone]) => [name.toLowerCase(), zone]),
);

/** Zones for a definition, in order of preference: many have the same offsets. */
const candidateZones = new Set(['Asia/Seoul', 'America/Los_Angeles', ...windowsZones.values()]);

/** By the city of their name: `hong kong`. */
const cityZones = new Map(
  Intl.supportedValuesOf('timeZone').map((zone) => [
    zone.split('/').at(-1)!.replaceAll('_', ' ').toLowerCase(),
    zone,
  ]),
);

/** The zone of a TZID around the time `near`, or null: then its times are floating. */
export function resolveZone(
  tzid: string,
  calendar: ICAL.Component,
  near: WallMs,
  zones: Zones,
): string | null {
  const name = normalizeTzid(tzid);
  const known = resolveKnownName(name, zones);
  if (known !== null) return known;
  const definition = calendar
    .getAllSubcomponents('vtimezone')
    .find((zone) => normalizeTzid(String(zone.getFirstPropertyValue('tzid'))) === name);
  const defined = definition === undefined ? null : matchZoneByOffsets(definition, near, zones);
  return defined ?? resolveDisplayName(name, zones) ?? abbreviations[name.toUpperCase()] ?? null;
}

const normalizeTzid = (tzid: string): string => tzid.trim().replaceAll('"', '');

/**
 * The zone of a name as Outlook shows it, `(UTC-05:00) Eastern Time (US & Canada)` or `(GMT+01.00) Warsaw/Zagreb`: by a
 * place in it whose zone has this offset, in winter or in summer. Else the offset itself, as of `GMT+0900` and `UTC+9`.
 */
function resolveDisplayName(name: string, zones: Zones): string | null {
  const match =
    /^(?:\((?<inner>(?:GMT|UTC|[+-])[^)]*)\)|(?<bare>(?:GMT|UTC)?\s*[+-][\d:.]+)(?=$|\s))(?<places>.*)/i.exec(
      name,
    );
  if (match === null) return null;
  const { inner, bare, places = '' } = match.groups ?? {};
  const offset = parseOffset((bare ?? inner ?? '').replace(/^(?:GMT|UTC)\s*/i, ''));
  if (offset === null) return null;
  const year = new Date().getUTCFullYear();
  const hasOffset = (zone: string): boolean =>
    [1, 7].some((month) => {
      const at = wallTime(year, month, 15, 12);
      return zones.toInstant(at, zone) === zones.toInstant(at, offset);
    });
  const found = places
    .replaceAll(/\(.*?\)/g, '')
    .split(/[,/、]/)
    .map((place) => windowsZone(place.trim()) ?? cityZones.get(place.trim().toLowerCase()))
    .find((zone) => zone !== undefined && hasOffset(zone));
  return found ?? offset;
}

/** `-5`, `+09:00`, `+0530`, `+01.00`, or empty for UTC. */
function parseOffset(text: string): string | null {
  if (text === '') return '+00:00';
  const match = /^([+-])(\d{1,2})(?:[:.]?([0-5]\d))?$/.exec(text);
  if (match === null) return null;
  const [, sign = '', hours = '', minutes = '00'] = match;
  return Number(hours) > 14 ? null : `${sign}${hours.padStart(2, '0')}:${minutes}`;
}

/** `Korea Standard Time`; `Korea Standard Time 1`, as Exchange numbers them; `Eastern Time` of Webex. */
const windowsZone = (name: string): string | undefined => {
  const key = name.toLowerCase().replace(/ \d+$/, '');
  return (
    windowsZones.get(key) ?? windowsZones.get(key.replace(/(?: daylight)? time$/, ' standard time'))
  );
};

/** `Asia/Seoul`, `Korea Standard Time`, `/some.producer/20050126_1/Asia/Seoul`. */
function resolveKnownName(name: string, zones: Zones): string | null {
  const windows = windowsZone(name);
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

/** A zone of `candidateZones` with the same offsets through the year as the definition, else the offset at `near`. */
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
  return [...candidateZones].find(isSame) ?? formatOffset(offsetAt(observances, near));
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

/** By the observance that began last before `at`. Not expanded by ical.js, which does not terminate for every rule. */
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
