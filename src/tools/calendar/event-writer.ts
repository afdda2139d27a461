/**
 * Serializes a new entry as calendar text. DTEND is always written (iCloud refuses an entry without it), the zone is
 * defined in the text (servers may not know its name), ical.js does the escaping and folding.
 */
import ICAL from 'ical.js';
import { dayMs } from '#shared/calendar/time-units';
import { wallTime, type WallMs, type Zones } from '#shared/calendar/zoned-time';
import type { TimeSpan } from './time-span.ts';

export interface EntryFields {
  uid: string;
  title: string;
  description: string;
  location: string;
  span: TimeSpan;
  /** IANA name of the zone of `span`. */
  timeZone: string;
  /** DTSTAMP, epoch ms. The same for the same draft, so that a repeated write has the same text. */
  stampedAt: number;
}

export function emptyCalendar(): ICAL.Component {
  const calendar = new ICAL.Component('vcalendar');
  calendar.addPropertyWithValue('version', '2.0');
  calendar.addPropertyWithValue('prodid', '-//Gatehouse//Gatehouse//EN');
  return calendar;
}

export function serializeEntry(entry: EntryFields, zones: Zones): string {
  const { span, timeZone } = entry;
  const calendar = emptyCalendar();
  const event = new ICAL.Component('vevent');
  event.addPropertyWithValue('uid', entry.uid);
  event.addPropertyWithValue('dtstamp', utcTime(entry.stampedAt));
  // A fixed offset has no zone name that calendars know: such times are written in UTC.
  const isNamed = /^[A-Za-z]+\//.test(timeZone);
  const add = (name: string, at: WallMs): void => {
    if (span.allDay) event.addPropertyWithValue(name, dateTime(at, true));
    else if (isNamed) {
      event.addPropertyWithValue(name, dateTime(at, false)).setParameter('tzid', timeZone);
    } else event.addPropertyWithValue(name, utcTime(zones.toInstant(at, timeZone)));
  };
  add('dtstart', span.start);
  add('dtend', span.end);
  event.addPropertyWithValue('summary', entry.title);
  if (entry.description !== '') event.addPropertyWithValue('description', entry.description);
  if (entry.location !== '') event.addPropertyWithValue('location', entry.location);
  if (!span.allDay && isNamed) {
    const year = new Date(span.start).getUTCFullYear();
    calendar.addSubcomponent(zoneDefinition(timeZone, year, year + 1, zones));
  }
  calendar.addSubcomponent(event);
  return `${calendar.toString()}\r\n`;
}

/** A VTIMEZONE valid from `firstYear` to `lastYear`, with one observance per clock change. */
export function zoneDefinition(
  timeZone: string,
  firstYear: number,
  lastYear: number,
  zones: Zones,
): ICAL.Component {
  const definition = new ICAL.Component('vtimezone');
  definition.addPropertyWithValue('tzid', timeZone);
  const offsetAt = (utc: number): number => zones.toWallTime(utc, timeZone) - utc;
  const standard = Math.min(
    offsetAt(wallTime(firstYear, 1, 1)),
    offsetAt(wallTime(firstYear, 7, 1)),
  );
  const observe = (from: number, before: number, offset: number): void => {
    const part = new ICAL.Component(offset > standard ? 'daylight' : 'standard');
    part.addPropertyWithValue('dtstart', dateTime(from + before, false));
    part.addPropertyWithValue('tzoffsetfrom', ICAL.UtcOffset.fromSeconds(before / 1000));
    part.addPropertyWithValue('tzoffsetto', ICAL.UtcOffset.fromSeconds(offset / 1000));
    definition.addSubcomponent(part);
  };
  const begin = wallTime(firstYear - 1, 12, 1);
  let offset = offsetAt(begin);
  observe(begin, offset, offset);
  for (let day = begin; day < wallTime(lastYear + 1, 1, 1); day += dayMs) {
    const next = offsetAt(day + dayMs);
    if (next !== offset) observe(findOffsetChange(day, offsetAt), offset, next);
    offset = next;
  }
  return definition;
}

/** The instant (ms, exact to the minute) within the day at which the offset changes. */
function findOffsetChange(day: number, offsetAt: (utc: number) => number): number {
  let [low, high] = [0, dayMs / 60_000];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (offsetAt(day + middle * 60_000) === offsetAt(day)) low = middle;
    else high = middle;
  }
  return day + high * 60_000;
}

function dateTime(at: WallMs, isDate: boolean): ICAL.Time {
  const date = new Date(at);
  return ICAL.Time.fromData({
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: isDate ? 0 : date.getUTCHours(),
    minute: isDate ? 0 : date.getUTCMinutes(),
    second: isDate ? 0 : date.getUTCSeconds(),
    isDate,
  });
}

const utcTime = (instantMs: number): ICAL.Time =>
  ICAL.Time.fromJSDate(new Date(Math.floor(instantMs / 1000) * 1000), true);
