/**
 * Calendar files in and out of the local calendar. Importing a file again changes only what changed in it;
 * the UID says which entry is which.
 */
import ICAL from 'ical.js';
import { messageOf } from '../../lib/errors.ts';
import { oneLine } from '../plain-text.ts';
import type { Zones } from '../zoned-time.ts';
import type { EventStorage, StoredEvent } from './calendar-port.ts';
import { parseCalendars, type ParsedText } from './calendar-parser.ts';
import { createEventReader } from './event-reader.ts';
import { emptyCalendar, zoneDefinition } from './event-writer.ts';
import { storedEvent } from './stored-entry.ts';
import { createZoneNames } from './zone-names.ts';

export interface IcsImport {
  added: number;
  updated: number;
  unchanged: number;
  /** One line per event that could not be read: UID and reason. */
  unreadable: string[];
  /** One line per thing of less weight that was left out, such as an older version; absent where nothing was. */
  dropped?: string[];
}

export interface IcsImportOptions {
  storage: EventStorage;
  zones: Zones;
  /** Whose entries they become. */
  owner: string;
  /** Epoch ms. */
  now: number;
}

/** Brings all events of a calendar file in. Durable when it returns; all of them or, if it throws, none. */
export function importIcs(text: string, options: IcsImportOptions): IcsImport {
  const { storage, zones, owner, now } = options;
  const result: IcsImport = { added: 0, updated: 0, unchanged: 0, unreadable: [] };
  let parsed: ParsedText;
  try {
    parsed = parseCalendars(text);
  } catch (error) {
    return { ...result, unreadable: [oneLine(messageOf(error), 160)] };
  }
  const reader = createEventReader(zones);
  const read = reader.readCalendars(parsed.calendars);
  const events: StoredEvent[] = read.entries.map((entry) => {
    const ics = objectText(read.components.get(entry.uid) ?? []);
    const isChangeOnly = entry.parts.every((part) => part.instance !== null);
    const known = isChangeOnly ? storage.text(owner, entry.uid) : null;
    if (known === null) return storedEvent(entry, ics);
    // An update of an invitation holds the changed instance alone: the series that is there stays.
    const both = reader.readCalendars([known, ics].flatMap((one) => parseCalendars(one).calendars));
    const [merged = entry] = both.entries;
    read.dropped.push(...both.dropped);
    return storedEvent(merged, objectText(both.components.get(merged.uid) ?? []));
  });
  for (const what of storage.putAll(owner, events, now)) result[what] += 1;
  const dropped = [...parsed.dropped, ...read.dropped];
  return {
    ...result,
    unreadable: [...parsed.unreadable, ...read.unreadable],
    ...(dropped.length === 0 ? {} : { dropped }),
  };
}

/** One calendar text with all entries of the owner, for other calendar programs. */
export const exportIcs = (storage: EventStorage, owner: string, zones: Zones): string =>
  [...exportPieces(storage, owner, zones)].join('');

/**
 * The same text in pieces, one step for each entry and each look at its zones: reading an entry takes some 0.1 ms.
 * Entries are read twice, so that no more than one is in memory. Most of the first pieces are empty.
 */
export function* exportPieces(
  storage: EventStorage,
  owner: string,
  zones: Zones,
): Generator<string> {
  const found: FoundZones = { defined: new Map(), named: new Set(), first: 9999, last: 0 };
  for (const source of calendarsOf(storage, owner)) {
    noteZones(found, source);
    yield '';
  }
  const calendar = emptyCalendar();
  for (const zone of zonesOf(found, zones)) calendar.addSubcomponent(zone);
  const ending = 'END:VCALENDAR';
  yield calendar.toString().slice(0, -ending.length);
  for (const source of calendarsOf(storage, owner)) {
    const events = source.getAllSubcomponents('vevent');
    yield events.map((event) => `${event.toString()}\r\n`).join('');
  }
  yield `${ending}\r\n`;
}

/** Texts that are in memory at once. */
const textsAtOnce = 50;

function* calendarsOf(storage: EventStorage, owner: string): Generator<ICAL.Component> {
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

/** Years that a series without an end is still right for, where its zone came without rules. */
const yearsAhead = 10;

/** The zones of all entries, and the years that they are needed for. */
interface FoundZones {
  /** One definition per zone name: one with rules if any came with them. */
  defined: Map<string, ICAL.Component>;
  named: Set<string>;
  first: number;
  last: number;
}

function noteZones(found: FoundZones, source: ICAL.Component): void {
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

/** One definition per zone name: one with rules if any came with them, else a new one for all years. */
function zonesOf(found: FoundZones, zones: Zones): ICAL.Component[] {
  const years = { first: Math.max(found.first, 1970), last: Math.min(found.last, 2200) };
  const missing = [...found.named].filter((tzid) => !found.defined.has(tzid));
  const added = missing.flatMap((tzid) => definitionOf(tzid, years, zones) ?? []);
  const defined = [...found.defined].map(([tzid, zone]) =>
    hasRules(zone) || !zones.knows(tzid)
      ? new ICAL.Component(zone.jCal)
      : zoneDefinition(tzid, years.first, years.last, zones),
  );
  return [...defined, ...added];
}

/** The zones that an event names. */
const tzidsOf = (event: ICAL.Component): string[] =>
  event
    .getAllProperties()
    .map((property) => property.getParameter('tzid'))
    .filter((tzid) => typeof tzid === 'string');

/** A definition for a zone that came without one, null for a name that means no zone. */
function definitionOf(
  tzid: string,
  years: { first: number; last: number },
  zones: Zones,
): ICAL.Component | null {
  const zone = createZoneNames(zones).resolve(tzid, emptyCalendar(), Date.now());
  if (zone === null) return null;
  const definition = zoneDefinition(zone, years.first, years.last, zones);
  definition.updatePropertyWithValue('tzid', tzid);
  return definition;
}

const tzidOf = (zone: ICAL.Component): string => {
  const tzid = zone.getFirstPropertyValue('tzid');
  return typeof tzid === 'string' ? tzid : '';
};

/** The events of one UID as a calendar object, with the zones that they name. */
function objectText(events: readonly ICAL.Component[]): string {
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
