/** Parses calendar text into components of ical.js. An unreadable property or event is dropped and reported alone. */
import ICAL from 'ical.js';
import { messageOf } from '#shared/errors';
import { oneLine } from '../sanitize-text.ts';
import { parseContentLine, type ContentLine, unfoldLines } from './content-lines.ts';
import {
  normalizeEventLines,
  parseCalendarDefaults,
  type CalendarDefaults,
} from './normalize-event.ts';
import { normalizeAlarmTime } from './alarm-parser.ts';
import { normalizeRule } from './normalize-rule.ts';

export interface ParsedText {
  /** Each with its VTIMEZONEs and VEVENTs, and with X-WR-TIMEZONE if the calendar names its zone. */
  calendars: ICAL.Component[];
  /** One line per event whose time cannot be determined: UID and reason. */
  unreadable: string[];
  /** One line per minor part that was left out: UID and reason. */
  dropped: string[];
}

/** Parses the VCALENDARs of a text. @throws Error if the text is not a calendar */
export function parseCalendars(text: string): ParsedText {
  const parsed: ParsedText = { calendars: [], unreadable: [], dropped: [] };
  for (const node of parseComponentTree(text)) {
    const facts = parseCalendarDefaults(node.lines);
    const calendar = new ICAL.Component('vcalendar');
    if (facts.zone !== null) calendar.addPropertyWithValue('x-wr-timezone', facts.zone);
    for (const child of node.children) addChild(calendar, child, facts, parsed);
    parsed.calendars.push(calendar);
  }
  return parsed;
}

function addChild(
  calendar: ICAL.Component,
  node: ComponentNode,
  facts: CalendarDefaults,
  parsed: ParsedText,
): void {
  const drop = (reason: string): unknown =>
    parsed.dropped.push(reportLine(componentLabel(node), reason));
  if (node.name === 'vtimezone') {
    calendar.addSubcomponent(buildComponent(node, drop));
  } else if (node.name === 'vevent') {
    try {
      calendar.addSubcomponent(buildEvent(node, facts, drop));
    } catch (error) {
      parsed.unreadable.push(reportLine(componentLabel(node), reasonOf(error)));
    }
  } else {
    drop(`a ${node.name.toUpperCase()} is no event`);
  }
}

/** A line of `unreadable` or `dropped`. */
export const reportLine = (uid: string, reason: string): string =>
  `${oneLine(uid, 80)}: ${oneLine(reason, 160)}`;

/** The reason for a report line. Messages of internal errors are replaced: they do not help the user. */
export const reasonOf = (error: unknown): string =>
  error instanceof TypeError || /\b(?:undefined|null|NaN)\b/.test(messageOf(error))
    ? 'its text is damaged'
    : messageOf(error);

/** The label of a component in a report: UID, else TZID, else start and title. */
function componentLabel(node: ComponentNode): string {
  const lines = node.lines.map(parseContentLine);
  const valueOf = (name: string): string =>
    lines.find((line) => line?.name === name)?.value.trim() ?? '';
  return (
    valueOf('uid') ||
    valueOf('tzid') ||
    `${valueOf('dtstart')} ${valueOf('summary')}`.trim() ||
    node.name
  );
}

function buildEvent(
  node: ComponentNode,
  facts: CalendarDefaults,
  drop: (reason: string) => unknown,
): ICAL.Component {
  const event = new ICAL.Component('vevent');
  const formed = normalizeEventLines(node.lines, facts);
  for (const line of formed.lines) addProperty(event, line, drop);
  for (const reason of formed.dropped) drop(reason);
  for (const child of node.children) event.addSubcomponent(buildComponent(child, drop));
  return event;
}

/** A component whose properties are independent of each other: a zone, an alarm. */
function buildComponent(node: ComponentNode, drop: (reason: string) => unknown): ICAL.Component {
  const component = new ICAL.Component(node.name);
  for (const written of node.lines) {
    const line = parseContentLine(written);
    if (line === null) drop(`"${written}" is no property`);
    else addProperty(component, normalizePlainLine(line), drop);
  }
  for (const child of node.children) component.addSubcomponent(buildComponent(child, drop));
  return component;
}

function normalizePlainLine(line: ContentLine): ContentLine {
  const value = line.value.trim();
  if (line.name === 'rrule') return { ...line, value: normalizeRule(value, false) };
  if (line.name === 'trigger' || line.name === 'duration') return normalizeAlarmTime(line);
  // Offsets such as `+9` and `09:00`.
  const offset = line.name.startsWith('tzoffset')
    ? /^([+-]?)(\d{1,2})(?::?(\d\d))?$/.exec(value)
    : null;
  if (offset === null) return line;
  const [, sign = '', hours = '', minutes = '00'] = offset;
  return { ...line, value: `${sign || '+'}${hours.padStart(2, '0')}${minutes}` };
}

/** Types whose values are plain text, which always parses. */
const textTypes = new Set(['text', 'uri', 'unknown', 'cal-address']);

const placingProperties = new Set(['dtstart', 'recurrence-id', 'rrule']);

/** @throws Error if an unreadable property determines the time of the event */
function addProperty(
  component: ICAL.Component,
  line: ContentLine,
  drop: (reason: string) => unknown,
): void {
  try {
    const isRule = line.name === 'rrule' || line.name === 'exrule';
    if (isRule && !/(?:^|;)FREQ=\w/.test(line.value)) throw new Error('it has no FREQ');
    const property = new ICAL.Property(ICAL.parse.property(serializeLine(line)) as never);
    // ical.js parses values lazily: parse and serialize them here, so that errors occur here and not later.
    if (!textTypes.has(property.type)) {
      property.getValues();
      property.toICALString();
    }
    component.addProperty(property);
  } catch (error) {
    const reason = `${line.name.toUpperCase()} "${oneLine(line.value, 60)}" cannot be read (${reasonOf(error)})`;
    if (component.name === 'vevent' && placingProperties.has(line.name))
      throw new Error(reason, { cause: error });
    drop(reason);
  }
}

function serializeLine({ name, params, value }: ContentLine): string {
  const written = [...params].map(
    ([key, text]) => `;${key}=${/[;:,]/.test(text) ? `"${text}"` : text}`,
  );
  return `${name}${written.join('')}:${value}`;
}

interface ComponentNode {
  /** In lower case. */
  name: string;
  /** Unfolded lines of its own properties. */
  lines: string[];
  children: ComponentNode[];
}

/** Components that occur only directly inside a VCALENDAR. */
const topLevel = /^(?:vevent|vtodo|vjournal|vfreebusy|vtimezone|vavailability)$/;

/** The VCALENDARs of a text. @throws Error if there is none */
function parseComponentTree(text: string): ComponentNode[] {
  const calendars: ComponentNode[] = [];
  let open: ComponentNode[] = [];
  const begin = (name: string): void => {
    if (name === 'vcalendar') open = [];
    else if (topLevel.test(name)) open = open.slice(0, 1);
    // Events without a surrounding VCALENDAR.
    if (open.length === 0 && topLevel.test(name)) begin('vcalendar');
    const node: ComponentNode = { name, lines: [], children: [] };
    if (name === 'vcalendar') calendars.push(node);
    else open.at(-1)?.children.push(node);
    open.push(node);
  };
  for (const line of unfoldLines(text)) {
    const border = /^(begin|end)\s*:\s*([\w-]+)\s*$/i.exec(line);
    const name = border?.[2]?.toLowerCase() ?? '';
    if (border === null) open.at(-1)?.lines.push(line);
    else if (border[1]?.toLowerCase() === 'begin') begin(name);
    else {
      const at = open.findLastIndex((node) => node.name === name);
      if (at >= 0) open = open.slice(0, at);
    }
  }
  if (calendars.length === 0)
    throw new Error('not a calendar: it has no BEGIN:VCALENDAR and no event');
  return calendars;
}
