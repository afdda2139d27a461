/** Import and export of calendar files. Entries are matched by UID; a second import changes only what changed. */
import ICAL from 'ical.js';
import { messageOf } from '#shared/errors';
import { oneLine } from '../sanitize-text.ts';
import type { Zones } from '#shared/calendar/zoned-time';
import { repeatOnConflict } from '#shared/repeat-on-conflict';
import { removeNul } from '#shared/text/remove-nul';
import type { EventStorage, EventWrite } from './calendar-port.ts';
import { parseCalendars, type ParsedText } from './calendar-parser.ts';
import type { CalendarEntry } from './event.ts';
import { createEventParser, type EventParser } from './event-parser.ts';
import { emptyCalendar, zoneDefinition } from './event-writer.ts';
import { toStoredEvent } from './local-calendar.ts';
import { resolveZone } from './zone-resolver.ts';

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
  owner: string;
  /** Epoch ms. */
  now: number;
}

/** Imports all events of a calendar file. Durable when it resolves; if it rejects, no event is stored. */
export async function importIcs(text: string, options: IcsImportOptions): Promise<IcsImport> {
  const { storage, zones, owner, now } = options;
  const result: IcsImport = { added: 0, updated: 0, unchanged: 0, unreadable: [] };
  let parsed: ParsedText;
  try {
    parsed = parseCalendars(removeNul(text));
  } catch (error) {
    return { ...result, unreadable: [oneLine(messageOf(error), 160)] };
  }
  const parser = createEventParser(zones);
  const read = parser.parseComponents(parsed.calendars);
  const { outcomes, dropped } = await repeatOnConflict(async () => {
    const merged = { events: [] as EventWrite[], dropped: [...parsed.dropped, ...read.dropped] };
    for (const entry of read.entries) {
      const ics = serializeObject(read.components.get(entry.uid) ?? []);
      merged.events.push(await mergeWithStored(entry, ics, parser, options, merged.dropped));
    }
    const outcomes = await storage.putAll(owner, merged.events, now);
    return outcomes === 'conflict' ? outcomes : { outcomes, dropped: merged.dropped };
  });
  for (const what of outcomes) result[what] += 1;
  return {
    ...result,
    unreadable: [...parsed.unreadable, ...read.unreadable],
    ...(dropped.length === 0 ? {} : { dropped }),
  };
}

/** An update of an invitation contains only the changed instance: the stored series is kept, and merged with it. */
async function mergeWithStored(
  entry: CalendarEntry,
  ics: string,
  parser: EventParser,
  { storage, owner }: IcsImportOptions,
  dropped: string[],
): Promise<EventWrite> {
  const isChangeOnly = entry.parts.every((part) => part.instance !== null);
  if (!isChangeOnly) return toStoredEvent(entry, ics);
  const basedOn = await storage.text(owner, entry.uid);
  if (basedOn === null) return { ...toStoredEvent(entry, ics), basedOn };
  const both = parser.parseComponents(
    [basedOn, ics].flatMap((one) => parseCalendars(one).calendars),
  );
  const [merged = entry] = both.entries;
  dropped.push(...both.dropped);
  return {
    ...toStoredEvent(merged, serializeObject(both.components.get(merged.uid) ?? [])),
    basedOn,
  };
}

/** One calendar text with all entries of the owner, for import into other calendar programs. */
export async function exportIcs(
  storage: EventStorage,
  owner: string,
  zones: Zones,
): Promise<string> {
  let text = '';
  for await (const piece of exportPieces(storage, owner, zones)) text += piece;
  return text;
}

/**
 * The same text in pieces, one step per entry: parsing an entry takes about 0.1 ms. Entries are parsed twice (first
 * for their zones, with empty pieces), so that only one parsed entry is in memory at a time.
 */
export async function* exportPieces(
  storage: EventStorage,
  owner: string,
  zones: Zones,
): AsyncGenerator<string> {
  const found: CollectedZones = { defined: new Map(), named: new Set(), first: 9999, last: 0 };
  for await (const source of storedCalendars(storage, owner)) {
    collectZones(found, source);
    yield '';
  }
  const calendar = emptyCalendar();
  for (const zone of zoneDefinitions(found, zones)) calendar.addSubcomponent(zone);
  const ending = 'END:VCALENDAR';
  yield calendar.toString().slice(0, -ending.length);
  for await (const source of storedCalendars(storage, owner)) {
    const events = source.getAllSubcomponents('vevent');
    yield events.map((event) => `${event.toString()}\r\n`).join('');
  }
  yield `${ending}\r\n`;
}

/** Texts per page, and so in memory at once. */
const textsAtOnce = 50;

async function* storedCalendars(
  storage: EventStorage,
  owner: string,
): AsyncGenerator<ICAL.Component> {
  let after = 0;
  for (;;) {
    const page = await storage.textPage(owner, after, textsAtOnce);
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
  const [first, last] = [Math.max(found.first, 1970), Math.min(found.last, 2200)];
  const define = (zone: string): ICAL.Component => zoneDefinition(zone, first, last, zones);
  const missing = [...found.named].filter((tzid) => !found.defined.has(tzid));
  const added = missing.flatMap((tzid) => {
    const zone = resolveZone(tzid, emptyCalendar(), Date.now(), zones);
    const definition = zone === null ? null : define(zone);
    definition?.updatePropertyWithValue('tzid', tzid);
    return definition ?? [];
  });
  const defined = [...found.defined].map(([tzid, zone]) =>
    hasRules(zone) || !zones.isKnownZone(tzid) ? new ICAL.Component(zone.jCal) : define(tzid),
  );
  return [...defined, ...added];
}

const tzidsOf = (event: ICAL.Component): string[] =>
  event
    .getAllProperties()
    .map((property) => property.getParameter('tzid'))
    .filter((tzid) => typeof tzid === 'string');

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
