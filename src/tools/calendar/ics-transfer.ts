/**
 * Import and export of calendar files for the local calendar. Importing a file again changes only the entries that
 * changed in it; entries are matched by UID.
 */
import ICAL from 'ical.js';
import { messageOf } from '#shared/errors';
import { oneLine } from '../sanitize-text.ts';
import type { Zones } from '#shared/calendar/zoned-time';
import type { EventStorage, StoredEvent } from './calendar-port.ts';
import { parseCalendars, type ParsedText } from './calendar-parser.ts';
import { createEventParser } from './event-parser.ts';
import { emptyCalendar, zoneDefinition } from './event-writer.ts';
import { toStoredEvent } from './stored-entry.ts';
import { createZoneResolver } from './zone-resolver.ts';

export interface IcsImport {
  added: number;
  updated: number;
  unchanged: number;
  /** One line per event that could not be read: UID and reason. */
  unreadable: string[];
  /** One line per minor part that was left out, such as an older version; absent if there is none. */
  dropped?: string[];
}

export interface IcsImportOptions {
  storage: EventStorage;
  zones: Zones;
  /** The owner of the imported entries. */
  owner: string;
  /** Epoch ms. */
  now: number;
}

/** Imports all events of a calendar file. Durable when it returns; if it throws, no event is stored. */
export function importIcs(text: string, options: IcsImportOptions): IcsImport {
  const { storage, zones, owner, now } = options;
  const result: IcsImport = { added: 0, updated: 0, unchanged: 0, unreadable: [] };
  let parsed: ParsedText;
  try {
    parsed = parseCalendars(text);
  } catch (error) {
    return { ...result, unreadable: [oneLine(messageOf(error), 160)] };
  }
  const parser = createEventParser(zones);
  const parsedEvents = parser.parseComponents(parsed.calendars);
  const events: StoredEvent[] = parsedEvents.entries.map((entry) => {
    const ics = serializeObject(parsedEvents.components.get(entry.uid) ?? []);
    const isChangeOnly = entry.parts.every((part) => part.instance !== null);
    const known = isChangeOnly ? storage.text(owner, entry.uid) : null;
    if (known === null) return toStoredEvent(entry, ics);
    // An update of an invitation contains only the changed instance: the stored series is kept.
    const both = parser.parseComponents(
      [known, ics].flatMap((one) => parseCalendars(one).calendars),
    );
    const [merged = entry] = both.entries;
    parsedEvents.dropped.push(...both.dropped);
    return toStoredEvent(merged, serializeObject(both.components.get(merged.uid) ?? []));
  });
  for (const what of storage.putAll(owner, events, now)) result[what] += 1;
  const dropped = [...parsed.dropped, ...parsedEvents.dropped];
  return {
    ...result,
    unreadable: [...parsed.unreadable, ...parsedEvents.unreadable],
    ...(dropped.length === 0 ? {} : { dropped }),
  };
}

/** One calendar text with all entries of the owner, for import into other calendar programs. */
export const exportIcs = (storage: EventStorage, owner: string, zones: Zones): string =>
  [...exportPieces(storage, owner, zones)].join('');

/**
 * The same text in pieces, one step per entry: parsing an entry takes about 0.1 ms. Entries are parsed twice (first
 * for their zones, with empty pieces), so that only one parsed entry is in memory at a time.
 */
export function* exportPieces(
  storage: EventStorage,
  owner: string,
  zones: Zones,
): Generator<string> {
  const found: CollectedZones = { defined: new Map(), named: new Set(), first: 9999, last: 0 };
  for (const source of storedCalendars(storage, owner)) {
    collectZones(found, source);
    yield '';
  }
  const calendar = emptyCalendar();
  for (const zone of zoneDefinitions(found, zones)) calendar.addSubcomponent(zone);
  const ending = 'END:VCALENDAR';
  yield calendar.toString().slice(0, -ending.length);
  for (const source of storedCalendars(storage, owner)) {
    const events = source.getAllSubcomponents('vevent');
    yield events.map((event) => `${event.toString()}\r\n`).join('');
  }
  yield `${ending}\r\n`;
}

/** Texts per page, and so in memory at once. */
const textsAtOnce = 50;

function* storedCalendars(storage: EventStorage, owner: string): Generator<ICAL.Component> {
  let after = 0;
  for (;;) {
    const page = storage.textPage(owner, after, textsAtOnce);
    for (const { num, ics } of page) {
      yield* parseCalendars(ics).calendars;
      after = num;
    }
    if (page.length < textsAtOnce) return;
  }
}

/** Years for which a series without an end stays correct if its zone definition has no rules. */
const yearsAhead = 10;

/** The zones of all entries, and the years that their definitions must cover. */
interface CollectedZones {
  /** One definition per zone name: one with rules if any entry has it. */
  defined: Map<string, ICAL.Component>;
  named: Set<string>;
  first: number;
  last: number;
}

function collectZones(found: CollectedZones, source: ICAL.Component): void {
  for (const zone of source.getAllSubcomponents('vtimezone')) {
    const tzid = tzidOf(zone);
    const known = found.defined.get(tzid);
    if (known === undefined || (hasRules(zone) && !hasRules(known))) found.defined.set(tzid, zone);
  }
  for (const event of source.getAllSubcomponents('vevent')) {
    for (const tzid of tzidsOf(event)) found.named.add(tzid);
    const start = event.getFirstPropertyValue('dtstart');
    if (!(start instanceof ICAL.Time)) continue;
    found.first = Math.min(found.first, start.year);
    found.last = Math.max(found.last, start.year + yearsAhead);
  }
}

const hasRules = (zone: ICAL.Component): boolean =>
  zone.getAllSubcomponents().some((part) => part.hasProperty('rrule'));

/** One definition per zone name: one with rules if any entry has it, else a generated definition for all years. */
function zoneDefinitions(found: CollectedZones, zones: Zones): ICAL.Component[] {
  const years = { first: Math.max(found.first, 1970), last: Math.min(found.last, 2200) };
  const missing = [...found.named].filter((tzid) => !found.defined.has(tzid));
  const added = missing.flatMap((tzid) => definitionOf(tzid, years, zones) ?? []);
  const defined = [...found.defined].map(([tzid, zone]) =>
    hasRules(zone) || !zones.isKnownZone(tzid)
      ? new ICAL.Component(zone.jCal)
      : zoneDefinition(tzid, years.first, years.last, zones),
  );
  return [...defined, ...added];
}

/** The zone names that an event uses. */
const tzidsOf = (event: ICAL.Component): string[] =>
  event
    .getAllProperties()
    .map((property) => property.getParameter('tzid'))
    .filter((tzid) => typeof tzid === 'string');

/** A generated definition for a zone without one; null if the name cannot be resolved. */
function definitionOf(
  tzid: string,
  years: { first: number; last: number },
  zones: Zones,
): ICAL.Component | null {
  const zone = createZoneResolver(zones).resolve(tzid, emptyCalendar(), Date.now());
  if (zone === null) return null;
  const definition = zoneDefinition(zone, years.first, years.last, zones);
  definition.updatePropertyWithValue('tzid', tzid);
  return definition;
}

const tzidOf = (zone: ICAL.Component): string => {
  const tzid = zone.getFirstPropertyValue('tzid');
  return typeof tzid === 'string' ? tzid : '';
};

/** The events of one UID as a calendar object, with the definitions of the zones that they use. */
function serializeObject(events: readonly ICAL.Component[]): string {
  const object = emptyCalendar();
  const added = new Set<string>();
  for (const event of events) {
    const calendar = event.parent;
    const zone = calendar?.getFirstPropertyValue('x-wr-timezone');
    if (typeof zone === 'string' && !object.hasProperty('x-wr-timezone')) {
      object.addPropertyWithValue('x-wr-timezone', zone);
    }
    const named = new Set(tzidsOf(event));
    for (const definition of calendar?.getAllSubcomponents('vtimezone') ?? []) {
      const tzid = tzidOf(definition);
      if (!named.has(tzid) || added.has(tzid)) continue;
      added.add(tzid);
      object.addSubcomponent(new ICAL.Component(definition.jCal));
    }
  }
  for (const event of events) object.addSubcomponent(new ICAL.Component(event.jCal));
  return `${object.toString()}\r\n`;
}
