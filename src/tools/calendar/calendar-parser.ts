/**
 * Takes calendar text apart into components of ical.js, property by property: a property or an event that
 * cannot be read costs itself and is named, never its neighbours.
 */
import ICAL from 'ical.js';
import { messageOf } from '../../lib/errors.ts';
import { oneLine } from '../plain-text.ts';
import { calendarNodes, type ComponentNode } from './component-tree.ts';
import { contentLine, type ContentLine } from './content-lines.ts';
import { eventLines, factsOf, type CalendarFacts } from './event-forms.ts';
import { ruleText } from './rule-forms.ts';

export interface ParsedText {
  /** Each with its VTIMEZONEs and VEVENTs, and with X-WR-TIMEZONE where it names its zone. */
  calendars: ICAL.Component[];
  /** One line per event that cannot be placed: UID and reason. */
  unreadable: string[];
  /** One line per thing of less weight that was left out: UID and reason. */
  dropped: string[];
}

/** The VCALENDARs of a text. @throws Error where it is no calendar */
export function parseCalendars(text: string): ParsedText {
  const parsed: ParsedText = { calendars: [], unreadable: [], dropped: [] };
  for (const node of calendarNodes(text)) {
    const facts = factsOf(node.lines);
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
  facts: CalendarFacts,
  parsed: ParsedText,
): void {
  const drop = (reason: string): unknown => parsed.dropped.push(namedLine(nameOf(node), reason));
  if (node.name === 'vtimezone') {
    calendar.addSubcomponent(plainComponent(node, drop));
  } else if (node.name === 'vevent') {
    try {
      calendar.addSubcomponent(eventComponent(node, facts, drop));
    } catch (error) {
      parsed.unreadable.push(namedLine(nameOf(node), reasonOf(error)));
    }
  } else {
    drop(`a ${node.name.toUpperCase()} is no event`);
  }
}

/** A line of a report: what could not be read, by its UID, and why. */
export const namedLine = (uid: string, reason: string): string =>
  `${oneLine(uid, 80)}: ${oneLine(reason, 160)}`;

/** Why, without the words of a program that stumbled. */
export const reasonOf = (error: unknown): string =>
  error instanceof TypeError || /\b(?:undefined|null|NaN)\b/.test(messageOf(error))
    ? 'its text is damaged'
    : messageOf(error);

/** What a component is called where it cannot be read: its UID, else its title and start. */
function nameOf(node: ComponentNode): string {
  const lines = node.lines.map(contentLine);
  const valueOf = (name: string): string =>
    lines.find((line) => line?.name === name)?.value.trim() ?? '';
  return (
    valueOf('uid') ||
    valueOf('tzid') ||
    `${valueOf('dtstart')} ${valueOf('summary')}`.trim() ||
    node.name
  );
}

function eventComponent(
  node: ComponentNode,
  facts: CalendarFacts,
  drop: (reason: string) => unknown,
): ICAL.Component {
  const event = new ICAL.Component('vevent');
  const formed = eventLines(node.lines, facts);
  for (const line of formed.lines) addProperty(event, line, drop);
  for (const reason of formed.dropped) drop(reason);
  for (const child of node.children) event.addSubcomponent(plainComponent(child, drop));
  return event;
}

/** A component whose properties matter one by one: a zone, an alarm. */
function plainComponent(node: ComponentNode, drop: (reason: string) => unknown): ICAL.Component {
  const component = new ICAL.Component(node.name);
  for (const written of node.lines) {
    const line = contentLine(written);
    if (line === null) drop(`"${written}" is no property`);
    else addProperty(component, plainLine(line), drop);
  }
  for (const child of node.children) component.addSubcomponent(plainComponent(child, drop));
  return component;
}

function plainLine(line: ContentLine): ContentLine {
  const value = line.value.trim();
  if (line.name === 'rrule') return { ...line, value: ruleText(value, false) };
  // `+9`, `09:00`.
  const offset = line.name.startsWith('tzoffset')
    ? /^([+-]?)(\d{1,2})(?::?(\d\d))?$/.exec(value)
    : null;
  if (offset === null) return line;
  const [, sign = '', hours = '', minutes = '00'] = offset;
  return { ...line, value: `${sign || '+'}${hours.padStart(2, '0')}${minutes}` };
}

/** Types whose values are text as it stands. */
const neverFails = new Set(['text', 'uri', 'unknown', 'cal-address']);

/** A property that says when the event is. */
const placing = new Set(['dtstart', 'recurrence-id', 'rrule']);

/** @throws Error where a property cannot be read that says when the event is */
function addProperty(
  component: ICAL.Component,
  line: ContentLine,
  drop: (reason: string) => unknown,
): void {
  try {
    const isRule = line.name === 'rrule' || line.name === 'exrule';
    if (isRule && !/(?:^|;)FREQ=\w/.test(line.value)) throw new Error('it has no FREQ');
    const property = new ICAL.Property(ICAL.parse.property(textOf(line)) as never);
    // Values are read when they are asked for, and written when a file is: both fail here or never.
    if (!neverFails.has(property.type)) {
      property.getValues();
      property.toICALString();
    }
    component.addProperty(property);
  } catch (error) {
    const reason = `${line.name.toUpperCase()} "${oneLine(line.value, 60)}" cannot be read (${reasonOf(error)})`;
    if (component.name === 'vevent' && placing.has(line.name))
      throw new Error(reason, { cause: error });
    drop(reason);
  }
}

function textOf({ name, params, value }: ContentLine): string {
  const written = [...params].map(
    ([key, text]) => `;${key}=${/[;:,]/.test(text) ? `"${text}"` : text}`,
  );
  return `${name}${written.join('')}:${value}`;
}
