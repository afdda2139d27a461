/**
 * Reads calendar text (RFC 5545) into entries. calendar-parser.ts takes the text apart; what the times mean is
 * decided here, for it needs zones that ical.js does not know.
 *
 * 1. What cannot be read costs its own event only; a damaged file costs itself.
 * 2. Text that does not come from us is cleaned and bounded here, once, for all who show it.
 */
import ICAL from 'ical.js';
import { messageOf } from '../../lib/errors.ts';
import { oneLine } from '../plain-text.ts';
import { dayMs, startOfDay, type WallMs, type Zones } from '../zoned-time.ts';
import { namedLine, parseCalendars, reasonOf } from './calendar-parser.ts';
import type { AddedMoment, CalendarEntry, EventPart, Moment, VersionStamps } from './event.ts';
import { wallOnStart } from './moments.ts';
import type { RecurrenceRule } from './recurrence.ts';
import { readRule, wallOfTime } from './recurrence-reader.ts';
import { settledParts } from './versions.ts';
import { createZoneNames, type ZoneNames } from './zone-names.ts';

const titleCharsMax = 200;
const descriptionCharsMax = 500;

export interface ReadEvents {
  entries: CalendarEntry[];
  /** One line per event that could not be read: UID and reason. */
  unreadable: string[];
  /** One line per thing of less weight that was left out, such as an older version of an event. */
  dropped: string[];
}

export interface ReadComponents extends ReadEvents {
  /** The components of the parts that count, by UID. */
  components: Map<string, ICAL.Component[]>;
}

export interface EventReader {
  /** The entries of calendar text. Never throws: text that is no calendar is one unreadable line. */
  read(text: string): ReadEvents;
  /** The same from a calendar that is parsed already. */
  readCalendars(calendars: readonly ICAL.Component[]): ReadComponents;
}

/** @param zones where zone names are checked */
export function createEventReader(zones: Zones): EventReader {
  const names = createZoneNames(zones);

  const readCalendars = (calendars: readonly ICAL.Component[]): ReadComponents => {
    const parts = new Map<string, Map<EventPart, ICAL.Component>>();
    const read: ReadComponents = {
      entries: [],
      unreadable: [],
      dropped: [],
      components: new Map(),
    };
    for (const calendar of calendars) {
      const calendarZone = zoneOfCalendar(calendar, names);
      for (const event of calendar.getAllSubcomponents('vevent')) {
        const uid = uidOf(event);
        const drop = (reason: string): unknown => read.dropped.push(namedLine(uid, reason));
        try {
          const part = readPart(event, { calendar, calendarZone, names, zones, drop });
          const same = parts.get(uid) ?? new Map<EventPart, ICAL.Component>();
          parts.set(uid, same.set(part, event));
        } catch (error) {
          read.unreadable.push(namedLine(uid, reasonOf(error)));
        }
      }
    }
    for (const [uid, byPart] of parts) {
      const settled = settledParts([...byPart.keys()], zones);
      read.entries.push({ uid, parts: settled.parts });
      read.dropped.push(...settled.dropped.map((reason) => namedLine(uid, reason)));
      const events = settled.parts.map((part) => byPart.get(part));
      read.components.set(
        uid,
        events.filter((event) => event !== undefined),
      );
    }
    return read;
  };

  return {
    readCalendars,
    read(text) {
      try {
        const parsed = parseCalendars(text);
        const { entries, unreadable, dropped } = readCalendars(parsed.calendars);
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

/** The UID, or what makes an event without one recognizable: its start and title. */
function uidOf(event: ICAL.Component): string {
  const uid = event.getFirstPropertyValue('uid');
  if (typeof uid === 'string' && uid.trim() !== '') return uid.trim();
  const start = String(event.getFirstPropertyValue('dtstart') ?? '');
  return `${start} ${String(event.getFirstPropertyValue('summary') ?? '')}`.trim();
}

/** The zone that a calendar names as its own, or the only one that it defines; null where it has neither. */
function zoneOfCalendar(calendar: ICAL.Component, names: ZoneNames): string | null {
  const named = calendar.getFirstPropertyValue('x-wr-timezone');
  const defined = calendar
    .getAllSubcomponents('vtimezone')
    .map((zone) => zone.getFirstPropertyValue('tzid'));
  const tzid = named ?? (defined.length === 1 ? defined[0] : null);
  return typeof tzid === 'string' ? names.resolve(tzid, calendar, Date.now()) : null;
}

/** What an event is read with. */
interface Setting {
  calendar: ICAL.Component;
  calendarZone: string | null;
  names: ZoneNames;
  zones: Zones;
  /** Takes the reason why something was left out. */
  drop: (reason: string) => unknown;
}

function readPart(event: ICAL.Component, setting: Setting): EventPart {
  const { zones, calendarZone } = setting;
  const [start] = momentsOf(event, 'dtstart', setting);
  if (start === undefined) throw new Error('no DTSTART');
  const onStart = (name: string): AddedMoment[] =>
    momentsOf(event, name, setting).map((moment) => asDay(moment, start, calendarZone, zones));
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
        const rule = readRule(recur, (until) => untilWall(until, start, zones));
        if (rule !== null) return [rule];
        setting.drop(`${name.toUpperCase()} ${recur.toString()} is not understood`);
        return [];
      });
  return {
    title: text('summary', titleCharsMax),
    description: text('description', descriptionCharsMax),
    location: text('location', titleCharsMax),
    start,
    lengthMs: lengthOf(event, start, setting),
    nominalDays: nominalDaysOf(event, start),
    busy: text('transp', 20).toUpperCase() !== 'TRANSPARENT',
    cancelled: text('status', 20).toUpperCase() === 'CANCELLED',
    instance: onStart('recurrence-id')[0] ?? null,
    andLater: String(range ?? '').toUpperCase() === 'THISANDFUTURE',
    rules: rulesOf('rrule'),
    added: onStart('rdate'),
    left: onStart('exdate'),
    leftRules: rulesOf('exrule'),
    version: versionOf(event),
  };
}

/** A time in UTC against a start that is a day, where the calendar says which day that is. */
function asDay(
  moment: AddedMoment,
  start: Moment,
  calendarZone: string | null,
  zones: Zones,
): AddedMoment {
  if (start.kind !== 'date' || calendarZone === null || moment.kind === 'date') return moment;
  return { kind: 'date', wall: wallOnStart(moment, start, calendarZone, zones), zone: null };
}

function momentsOf(event: ICAL.Component, name: string, setting: Setting): AddedMoment[] {
  return event.getAllProperties(name).flatMap((property) =>
    property.getValues().flatMap((value) => {
      if (value instanceof ICAL.Time) return [momentOf(value, property, setting)];
      if (!(value instanceof ICAL.Period)) return [];
      const lengthMs = Math.max(0, value.getDuration().toSeconds() * 1000);
      return [{ ...momentOf(value.start, property, setting), lengthMs }];
    }),
  );
}

function momentOf(time: ICAL.Time, property: ICAL.Property, setting: Setting): Moment {
  const { calendar, names, drop } = setting;
  const at = wallOfTime(time);
  if (!Number.isFinite(at)) throw new Error(`${property.name.toUpperCase()} is no time`);
  if (time.isDate) return { kind: 'date', wall: at, zone: null };
  // ical.js marks a trailing Z; a TZID that it does not know it reads as floating.
  if (time.zone === ICAL.Timezone.utcTimezone) return { kind: 'zoned', wall: at, zone: 'UTC' };
  const tzid = property.getParameter('tzid');
  const zone = typeof tzid === 'string' ? names.resolve(tzid, calendar, at) : null;
  if (zone !== null) return { kind: 'zoned', wall: at, zone };
  if (typeof tzid === 'string') {
    drop(
      `${property.name.toUpperCase()}: the zone "${tzid}" is not known, its time is the asker's`,
    );
  }
  return { kind: 'floating', wall: at, zone: null };
}

function versionOf(event: ICAL.Component): VersionStamps {
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

/** Real time for a zoned start, wall time for others; whole days, at least one, for a day. */
function lengthOf(event: ICAL.Component, start: Moment, setting: Setting): number {
  const [end] = momentsOf(event, 'dtend', setting);
  const duration = event.getFirstPropertyValue('duration');
  let written = 0;
  if (end !== undefined) written = distanceOf(start, end, setting.zones);
  else if (duration instanceof ICAL.Duration) written = duration.toSeconds() * 1000;
  if (written < 0) setting.drop('it ends before it begins: its end is left out');
  const length = Math.max(0, written);
  if (start.kind !== 'date') return length;
  return Math.max(dayMs, Math.ceil(length / dayMs) * dayMs);
}

/** DURATION in weeks and days is nominal; DTEND, and hours of a DURATION, are real time. */
function nominalDaysOf(event: ICAL.Component, start: Moment): number {
  const duration = event.getFirstPropertyValue('duration');
  const isNominal = start.zone !== null && !event.hasProperty('dtend');
  if (!isNominal || !(duration instanceof ICAL.Duration) || duration.isNegative) return 0;
  return duration.weeks * 7 + duration.days;
}

function distanceOf(start: Moment, end: Moment, zones: Zones): number {
  if (start.zone === null || end.zone === null) return end.wall - start.wall;
  return zones.instantOf(end.wall, end.zone) - zones.instantOf(start.wall, start.zone);
}

/** UNTIL is written in UTC even where the event has a zone; a day includes its last moment. */
function untilWall(until: ICAL.Time, start: Moment, zones: Zones): WallMs {
  const at = wallOfTime(until);
  if (until.isDate) return start.kind === 'date' ? at : at + dayMs - 1;
  if (start.kind === 'date') return startOfDay(at);
  const isUtc = until.zone === ICAL.Timezone.utcTimezone;
  return isUtc && start.zone !== null ? zones.wallOf(at, start.zone) : at;
}
