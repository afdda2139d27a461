/**
 * Parses calendar text (RFC 5545) into entries. calendar-parser.ts splits the text; the meaning of the times is
 * resolved here, because this needs zones that ical.js does not know.
 *
 * 1. An unreadable event is dropped alone; a damaged file affects no other file.
 * 2. Foreign text is sanitized and truncated here, once, for all consumers.
 */
import ICAL from 'ical.js';
import { messageOf } from '#shared/errors';
import { oneLine } from '../sanitize-text.ts';
import { dayMs } from '#shared/calendar/time-units';
import { startOfDay, type WallMs, type Zones } from '#shared/calendar/zoned-time';
import { parseAlarms } from './alarm-parser.ts';
import { reportLine, parseCalendars, reasonOf } from './calendar-parser.ts';
import {
  type AddedMoment,
  type CalendarEntry,
  type EventPart,
  type Moment,
  type VersionStamps,
  wallOnStart,
} from './event.ts';
import type { RecurrenceRule } from './recurrence.ts';
import { parseRule, wallOfTime } from './recurrence-parser.ts';
import { selectCurrentParts } from './event-versions.ts';
import { resolveZone } from './zone-resolver.ts';

const titleCharsMax = 200;
const descriptionCharsMax = 500;

export interface ParsedEvents {
  entries: CalendarEntry[];
  /** One line per event that could not be read: UID and reason. */
  unreadable: string[];
  /** One line per minor part that was left out, such as an older version of an event. */
  dropped: string[];
}

export interface ParsedComponents extends ParsedEvents {
  /** The components of the current parts (event-versions.ts), by UID. */
  components: Map<string, ICAL.Component[]>;
}

export type EventParser = ReturnType<typeof createEventParser>;

/** @param zones for checking zone names and converting times */
export function createEventParser(zones: Zones) {
  const parseComponents = (calendars: readonly ICAL.Component[]): ParsedComponents => {
    const parts = new Map<string, Map<EventPart, ICAL.Component>>();
    const result: ParsedComponents = {
      entries: [],
      unreadable: [],
      dropped: [],
      components: new Map(),
    };
    for (const calendar of calendars) {
      const calendarZone = zoneOfCalendar(calendar, zones);
      for (const event of calendar.getAllSubcomponents('vevent')) {
        const uid = uidOf(event);
        const drop = (reason: string): unknown => result.dropped.push(reportLine(uid, reason));
        try {
          const part = parsePart(event, { calendar, calendarZone, zones, drop });
          const same = parts.get(uid) ?? new Map<EventPart, ICAL.Component>();
          parts.set(uid, same.set(part, event));
        } catch (error) {
          result.unreadable.push(reportLine(uid, reasonOf(error)));
        }
      }
    }
    for (const [uid, byPart] of parts) {
      const current = selectCurrentParts([...byPart.keys()], zones);
      result.entries.push({ uid, parts: current.parts });
      result.dropped.push(...current.dropped.map((reason) => reportLine(uid, reason)));
      const events = current.parts.map((part) => byPart.get(part));
      result.components.set(
        uid,
        events.filter((event) => event !== undefined),
      );
    }
    return result;
  };

  return {
    /** The entries of calendars that are parsed already. */
    parseComponents,
    /** Never throws: text that is not a calendar gives one line in `unreadable`. */
    parse(text: string): ParsedEvents {
      try {
        const parsed = parseCalendars(text);
        const { entries, unreadable, dropped } = parseComponents(parsed.calendars);
        return {
          entries,
          unreadable: [...parsed.unreadable, ...unreadable],
          dropped: [...parsed.dropped, ...dropped],
        };
      } catch (error) {
        return { entries: [], unreadable: [oneLine(messageOf(error), 160)], dropped: [] };
      }
    },
  };
}

/** The UID; for an event without a UID its start and title. */
function uidOf(event: ICAL.Component): string {
  const uid = event.getFirstPropertyValue('uid');
  if (typeof uid === 'string' && uid.trim() !== '') return uid.trim();
  const start = String(event.getFirstPropertyValue('dtstart') ?? '');
  return `${start} ${String(event.getFirstPropertyValue('summary') ?? '')}`.trim();
}

/** The zone that the calendar names (X-WR-TIMEZONE), or the only zone that it defines; else null. */
function zoneOfCalendar(calendar: ICAL.Component, zones: Zones): string | null {
  const named = calendar.getFirstPropertyValue('x-wr-timezone');
  const defined = calendar
    .getAllSubcomponents('vtimezone')
    .map((zone) => zone.getFirstPropertyValue('tzid'));
  const tzid = named ?? (defined.length === 1 ? defined[0] : null);
  return typeof tzid === 'string' ? resolveZone(tzid, calendar, Date.now(), zones) : null;
}

interface ParseContext {
  calendar: ICAL.Component;
  calendarZone: string | null;
  zones: Zones;
  /** Records the reason why a part was left out. */
  drop: (reason: string) => unknown;
}

function parsePart(event: ICAL.Component, context: ParseContext): EventPart {
  const { zones, calendarZone } = context;
  const [start] = parseMoments(event, 'dtstart', context);
  if (start === undefined) throw new Error('no DTSTART');
  const onStart = (name: string): AddedMoment[] =>
    parseMoments(event, name, context).map((moment) => asDay(moment, start, calendarZone, zones));
  const range = event.getFirstProperty('recurrence-id')?.getParameter('range');
  const text = (name: string, charsMax: number): string => {
    const value = event.getFirstPropertyValue(name);
    return typeof value === 'string' ? oneLine(value, charsMax) : '';
  };
  const rulesOf = (name: string): RecurrenceRule[] =>
    event
      .getAllProperties(name)
      .map((property) => property.getFirstValue())
      .flatMap((recur) => {
        if (!(recur instanceof ICAL.Recur)) return [];
        const rule = parseRule(recur, (until) => resolveUntil(until, start, zones));
        if (rule !== null) return [rule];
        context.drop(`${name.toUpperCase()} ${recur.toString()} is not understood`);
        return [];
      });
  return {
    title: text('summary', titleCharsMax),
    description: text('description', descriptionCharsMax),
    location: text('location', titleCharsMax),
    start,
    lengthMs: lengthOf(event, start, context),
    nominalDays: nominalDaysOf(event, start),
    busy: text('transp', 20).toUpperCase() !== 'TRANSPARENT',
    cancelled: text('status', 20).toUpperCase() === 'CANCELLED',
    instance: onStart('recurrence-id')[0] ?? null,
    andLater: String(range ?? '').toUpperCase() === 'THISANDFUTURE',
    rules: rulesOf('rrule'),
    added: onStart('rdate'),
    left: onStart('exdate'),
    leftRules: rulesOf('exrule'),
    version: parseVersion(event),
    ...parseAlarms(event, {
      drop: context.drop,
      toMoment: (property) => {
        const time = property.getFirstValue();
        if (!(time instanceof ICAL.Time)) return null;
        const moment = parseMoment(time, property, context);
        // A time without a zone is in the zone of the start.
        return moment.zone === null && start.zone !== null
          ? { ...moment, kind: 'zoned', zone: start.zone }
          : moment;
      },
    }),
  };
}

/** Converts a time to a day if the start of the event is a day and the calendar has a zone. */
function asDay(
  moment: AddedMoment,
  start: Moment,
  calendarZone: string | null,
  zones: Zones,
): AddedMoment {
  if (start.kind !== 'date' || calendarZone === null || moment.kind === 'date') return moment;
  return { kind: 'date', wall: wallOnStart(moment, start, calendarZone, zones), zone: null };
}

function parseMoments(event: ICAL.Component, name: string, context: ParseContext): AddedMoment[] {
  return event.getAllProperties(name).flatMap((property) =>
    property.getValues().flatMap((value) => {
      if (value instanceof ICAL.Time) return [parseMoment(value, property, context)];
      if (!(value instanceof ICAL.Period)) return [];
      const lengthMs = Math.max(0, value.getDuration().toSeconds() * 1000);
      return [{ ...parseMoment(value.start, property, context), lengthMs }];
    }),
  );
}

function parseMoment(time: ICAL.Time, property: ICAL.Property, context: ParseContext): Moment {
  const { calendar, zones, drop } = context;
  const at = wallOfTime(time);
  if (!Number.isFinite(at)) throw new Error(`${property.name.toUpperCase()} is no time`);
  if (time.isDate) return { kind: 'date', wall: at, zone: null };
  // ical.js recognizes a trailing Z; it reads a TZID that it does not know as floating.
  if (time.zone === ICAL.Timezone.utcTimezone) return { kind: 'zoned', wall: at, zone: 'UTC' };
  const tzid = property.getParameter('tzid');
  const zone = typeof tzid === 'string' ? resolveZone(tzid, calendar, at, zones) : null;
  if (zone !== null) return { kind: 'zoned', wall: at, zone };
  if (typeof tzid === 'string') {
    drop(
      `${property.name.toUpperCase()}: the zone "${tzid}" is not known, its time is the asker's`,
    );
  }
  return { kind: 'floating', wall: at, zone: null };
}

function parseVersion(event: ICAL.Component): VersionStamps {
  const stamp = (name: string): number | null => {
    const value = event.getFirstPropertyValue(name);
    return value instanceof ICAL.Time ? wallOfTime(value) : null;
  };
  const sequence = Number(event.getFirstPropertyValue('sequence') ?? 0);
  return {
    sequence: Number.isFinite(sequence) ? sequence : 0,
    modified: stamp('last-modified'),
    stamped: stamp('dtstamp'),
  };
}

/** Milliseconds: elapsed time for a zoned start, else wall time; for an all-day event whole days, at least one. */
function lengthOf(event: ICAL.Component, start: Moment, context: ParseContext): number {
  const [end] = parseMoments(event, 'dtend', context);
  const duration = event.getFirstPropertyValue('duration');
  let written = 0;
  if (end !== undefined) written = distanceOf(start, end, context.zones);
  else if (duration instanceof ICAL.Duration) written = duration.toSeconds() * 1000;
  if (written < 0) context.drop('it ends before it begins: its end is left out');
  const length = Math.max(0, written);
  if (start.kind !== 'date') return length;
  return Math.max(dayMs, Math.ceil(length / dayMs) * dayMs);
}

/** Weeks and days of a DURATION are nominal; DTEND, and the hours of a DURATION, are elapsed time. */
function nominalDaysOf(event: ICAL.Component, start: Moment): number {
  const duration = event.getFirstPropertyValue('duration');
  const isNominal = start.zone !== null && !event.hasProperty('dtend');
  if (!isNominal || !(duration instanceof ICAL.Duration) || duration.isNegative) return 0;
  return duration.weeks * 7 + duration.days;
}

function distanceOf(start: Moment, end: Moment, zones: Zones): number {
  if (start.zone === null || end.zone === null) return end.wall - start.wall;
  return zones.toInstant(end.wall, end.zone) - zones.toInstant(start.wall, start.zone);
}

/** UNTIL is in UTC even if the event has a zone; an UNTIL that is a day includes the whole day. */
function resolveUntil(until: ICAL.Time, start: Moment, zones: Zones): WallMs {
  const at = wallOfTime(until);
  if (until.isDate) return start.kind === 'date' ? at : at + dayMs - 1;
  if (start.kind === 'date') return startOfDay(at);
  const isUtc = until.zone === ICAL.Timezone.utcTimezone;
  return isUtc && start.zone !== null ? zones.toWallTime(at, start.zone) : at;
}
