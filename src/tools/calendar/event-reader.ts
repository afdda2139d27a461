/**
 * Reads calendar text (RFC 5545) into entries. ical.js takes the text apart; what the times mean is decided
 * here, for it needs zones that ical.js does not know.
 *
 * 1. What cannot be read costs its own event only; a damaged file costs itself.
 * 2. Text that does not come from us is cleaned and bounded here, once, for all who show it.
 */
import ICAL from 'ical.js';
import { messageOf } from '../../lib/errors.ts';
import { oneLine } from '../plain-text.ts';
import { dayMs, type WallMs, type Zones } from '../zoned-time.ts';
import type { CalendarEntry, EventPart, Moment } from './event.ts';
import { readRule, wallOfTime } from './recurrence-reader.ts';
import { createZoneNames, type ZoneNames } from './zone-names.ts';

const titleCharsMax = 200;
const descriptionCharsMax = 500;

export interface ReadEvents {
  entries: CalendarEntry[];
  /** One line per event that could not be read. */
  unreadable: string[];
}

export interface EventReader {
  /** The entries of calendar text. Never throws: text that is no calendar is one unreadable line. */
  read(text: string): ReadEvents;
  /** The same from a calendar that is parsed already. */
  readCalendars(calendars: readonly ICAL.Component[]): ReadEvents;
}

export interface ParsedText {
  calendars: ICAL.Component[];
  /** One line per event whose text cannot be taken apart. */
  unreadable: string[];
}

/**
 * The VCALENDARs of a text. ical.js gives a whole file up for one value that it does not understand; the
 * events of such a file are then taken one by one. @throws ICAL.parse.ParserError where it is no calendar
 */
export function parseCalendars(text: string): ParsedText {
  try {
    return { calendars: componentsOf(text), unreadable: [] };
  } catch (error) {
    const events = text.match(/^BEGIN:VEVENT\r?\n[\s\S]*?^END:VEVENT\r?\n/gm) ?? [];
    if (events.length === 0) throw error;
    return parseOneByOne(text, events);
  }
}

function parseOneByOne(text: string, events: readonly string[]): ParsedText {
  const head = text.slice(0, text.indexOf(events[0] ?? ''));
  const zones = text.match(/^BEGIN:VTIMEZONE\r?\n[\s\S]*?^END:VTIMEZONE\r?\n/gm) ?? [];
  const parsed: ParsedText = { calendars: [], unreadable: [] };
  for (const event of events) {
    // Zones may stand behind the events that name them.
    const frame = head.includes('BEGIN:VTIMEZONE') ? head : head + zones.join('');
    try {
      parsed.calendars.push(...componentsOf(`${frame}${event}END:VCALENDAR\r\n`));
    } catch (error) {
      parsed.unreadable.push(oneLine(messageOf(error), 160));
    }
  }
  return parsed;
}

function componentsOf(text: string): ICAL.Component[] {
  const parsed = ICAL.parse(text) as unknown[];
  // Several calendars in one text come as a list of components, one as the component itself.
  const all = typeof parsed[0] === 'string' ? [parsed] : parsed;
  return all
    .map((jcal) => new ICAL.Component(jcal as never[]))
    .filter((component) => component.name === 'vcalendar');
}

/** @param zones where zone names are checked */
export function createEventReader(zones: Zones): EventReader {
  const names = createZoneNames(zones);

  const readCalendars = (calendars: readonly ICAL.Component[]): ReadEvents => {
    const entries = new Map<string, CalendarEntry>();
    const unreadable: string[] = [];
    for (const calendar of calendars) {
      for (const event of calendar.getAllSubcomponents('vevent')) {
        const uid = uidOf(event);
        try {
          const part = readPart(event, calendar, names, zones);
          const entry = entries.get(uid) ?? { uid, parts: [] };
          entry.parts.push(part);
          entries.set(uid, entry);
        } catch (error) {
          unreadable.push(`${oneLine(uid, 80)}: ${oneLine(messageOf(error), 120)}`);
        }
      }
    }
    return { entries: [...entries.values()], unreadable };
  };

  return {
    readCalendars,
    read(text) {
      try {
        const { calendars, unreadable } = parseCalendars(text);
        const read = readCalendars(calendars);
        return { entries: read.entries, unreadable: [...unreadable, ...read.unreadable] };
      } catch (error) {
        return { entries: [], unreadable: [oneLine(messageOf(error), 160)] };
      }
    },
  };
}

/** The UID, or what makes an event without one recognizable: its start and title. */
export function uidOf(event: ICAL.Component): string {
  const uid = event.getFirstPropertyValue('uid');
  if (typeof uid === 'string' && uid.trim() !== '') return uid.trim();
  const start = String(event.getFirstPropertyValue('dtstart') ?? '');
  return `${start} ${String(event.getFirstPropertyValue('summary') ?? '')}`.trim();
}

function readPart(
  event: ICAL.Component,
  calendar: ICAL.Component,
  names: ZoneNames,
  zones: Zones,
): EventPart {
  const momentsOf = (name: string): Moment[] =>
    event.getAllProperties(name).flatMap((property) =>
      property.getValues().flatMap((value) => {
        const time = value instanceof ICAL.Period ? value.start : value;
        return time instanceof ICAL.Time ? [momentOf(time, property, calendar, names)] : [];
      }),
    );
  const start = momentsOf('dtstart')[0];
  if (start === undefined) throw new Error('no DTSTART');
  const end = momentsOf('dtend')[0];
  const duration = event.getFirstPropertyValue('duration');
  const instance = momentsOf('recurrence-id')[0] ?? null;
  const range = event.getFirstProperty('recurrence-id')?.getParameter('range');
  const text = (name: string, charsMax: number): string => {
    const value = event.getFirstPropertyValue(name);
    return typeof value === 'string' ? oneLine(value, charsMax) : '';
  };
  return {
    title: text('summary', titleCharsMax),
    description: text('description', descriptionCharsMax),
    location: text('location', titleCharsMax),
    start,
    lengthMs: Math.max(0, lengthOf(start, end, duration, zones)),
    busy: text('transp', 20).toUpperCase() !== 'TRANSPARENT',
    cancelled: text('status', 20).toUpperCase() === 'CANCELLED',
    instance,
    andLater: String(range ?? '').toUpperCase() === 'THISANDFUTURE',
    rules: event
      .getAllProperties('rrule')
      .map((property) => property.getFirstValue())
      .flatMap((recur) => {
        if (!(recur instanceof ICAL.Recur)) return [];
        const rule = readRule(recur, (until) => untilWall(until, start, zones));
        return rule === null ? [] : [rule];
      }),
    added: momentsOf('rdate'),
    left: momentsOf('exdate'),
  };
}

function momentOf(
  time: ICAL.Time,
  property: ICAL.Property,
  calendar: ICAL.Component,
  names: ZoneNames,
): Moment {
  const at = wallOfTime(time);
  if (!Number.isFinite(at)) throw new Error(`${property.name} is no time`);
  if (time.isDate) return { kind: 'date', wall: at, zone: null };
  // ical.js marks a trailing Z; a TZID that it does not know it reads as floating.
  if (time.zone === ICAL.Timezone.utcTimezone) return { kind: 'zoned', wall: at, zone: 'UTC' };
  const tzid = property.getParameter('tzid');
  const zone = typeof tzid === 'string' ? names.resolve(tzid, calendar, at) : null;
  return zone === null
    ? { kind: 'floating', wall: at, zone: null }
    : { kind: 'zoned', wall: at, zone };
}

function lengthOf(start: Moment, end: Moment | undefined, duration: unknown, zones: Zones): number {
  if (end !== undefined) {
    if (start.zone === null || end.zone === null) return end.wall - start.wall;
    return zones.instantOf(end.wall, end.zone) - zones.instantOf(start.wall, start.zone);
  }
  if (duration instanceof ICAL.Duration) return duration.toSeconds() * 1000;
  return start.kind === 'date' ? dayMs : 0;
}

/** UNTIL is written in UTC even where the event has a zone; a day includes its last moment. */
function untilWall(until: ICAL.Time, start: Moment, zones: Zones): WallMs {
  const at = wallOfTime(until);
  if (until.isDate) return start.kind === 'date' ? at : at + dayMs - 1;
  if (start.kind === 'date') return Math.floor(at / dayMs) * dayMs;
  const isUtc = until.zone === ICAL.Timezone.utcTimezone;
  return isUtc && start.zone !== null ? zones.wallOf(at, start.zone) : at;
}
