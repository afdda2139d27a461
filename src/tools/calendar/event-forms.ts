/**
 * Makes the lines of an event as other programs write them into those of RFC 5545. What they mean is decided
 * in event-reader.ts.
 *
 * 1. A value that cannot be read costs itself and is named. Without a start, its instance or its rule an
 *    event cannot be placed: those cost the event.
 * 2. A time without a zone gets the calendar's (X-WR-TIMEZONE, or TZ of vCalendar 1.0) where one is named.
 */
import { startOfDay, type WallMs } from '../zoned-time.ts';
import { contentLine, type ContentLine } from './content-lines.ts';
import { ruleText } from './rule-forms.ts';
import { basicTime, nearestDay, writtenTime, type WrittenTime } from './time-forms.ts';

/** What the lines of a calendar say about all its events. */
export interface CalendarFacts {
  /** Zone of times without one, as it is written; null where none is named. */
  zone: string | null;
  /** METHOD:CANCEL. */
  isCancel: boolean;
}

export interface FormedLines {
  lines: ContentLine[];
  /** What was left out, each with its reason. */
  dropped: string[];
}

/** The facts from the lines of a calendar. */
export function factsOf(lines: readonly string[]): CalendarFacts {
  const contents = lines.map(contentLine).filter((line) => line !== null);
  const valueOf = (name: string): string =>
    contents.find((line) => line.name === name)?.value.trim() ?? '';
  const old = offsetZone(valueOf('tz'));
  const zone = valueOf('x-wr-timezone') || old;
  return {
    zone: zone === '' ? null : zone,
    isCancel: valueOf('method').toUpperCase() === 'CANCEL',
  };
}

/** The name of a zone for the TZ of vCalendar 1.0: `+09`, `-05:30`. */
const offsetZone = (offset: string): string =>
  /^[+-]\d{1,2}(?::?\d\d)?$/.test(offset) ? `GMT${offset}` : '';

const allDayMarks =
  /^x-(?:microsoft-cdo-alldayevent|microsoft-msncalendar-alldayevent|funambol-allday|allday)$/;

/** The lines of an event. @throws Error for an event that cannot be placed */
export function eventLines(written: readonly string[], facts: CalendarFacts): FormedLines {
  const formed: FormedLines = { lines: [], dropped: [] };
  const contents: ContentLine[] = [];
  for (const line of written) {
    const content = contentLine(line);
    if (content === null) formed.dropped.push(`"${line}" is no property`);
    else contents.push(content);
  }
  const start = contents.find(({ name }) => name === 'dtstart');
  const setting: TimeSetting = {
    isAllDay: contents.some(
      ({ name, value }) => allDayMarks.test(name) && /^(?:true|1)$/i.test(value.trim()),
    ),
    // A time of the event without a zone is on the wall of its start.
    zone: (start?.params.get('tzid') ?? '').trim() === '' ? facts.zone : null,
  };
  for (const content of contents)
    formed.lines.push(...formedLine(content, setting, facts, formed.dropped));
  if (facts.isCancel) {
    const others = formed.lines.filter(({ name }) => name !== 'status');
    formed.lines = [...others, { name: 'status', params: new Map(), value: 'CANCELLED' }];
  }
  return formed;
}

/** How the times of an event are to be read. */
interface TimeSetting {
  /** They are days although they were written with a time. */
  isAllDay: boolean;
  zone: string | null;
}

const lists = new Set(['exdate', 'rdate']);
const needed = new Set(['dtstart', 'recurrence-id']);

function formedLine(
  content: ContentLine,
  setting: TimeSetting,
  facts: CalendarFacts,
  dropped: string[],
): ContentLine[] {
  const { name, value } = content;
  switch (name) {
    case 'dtstart':
    case 'dtend':
    case 'recurrence-id':
    case 'exdate':
    case 'rdate':
      return timeLines(content, setting, dropped);
    case 'dtstamp':
    case 'created':
    case 'last-modified':
    case 'completed':
      return timeLines(content, { isAllDay: false, zone: facts.zone }, dropped);
    case 'rrule':
    case 'exrule':
      return value.trim() === '' ? [] : [{ ...content, value: ruleText(value, setting.isAllDay) }];
    case 'duration':
      return value.trim() === '' ? [] : [{ ...content, value: value.trim().toUpperCase() }];
    case 'transp':
      // vCalendar 1.0 counts: 0 takes up the time, 1 and more do not.
      return [/^[1-9]$/.test(value.trim()) ? { ...content, value: 'TRANSPARENT' } : content];
    default:
      return [content];
  }
}

/** One line for each form that the times of a line have. @throws Error for a time that the event needs */
function timeLines(content: ContentLine, setting: TimeSetting, dropped: string[]): ContentLine[] {
  const groups = new Map<string, ContentLine>();
  // vCalendar 1.0 separates with semicolons.
  const values = lists.has(content.name) ? content.value.split(/[,;]/) : [content.value];
  for (const value of values.map((one) => one.trim()).filter((one) => one !== '')) {
    const line = value.includes('/')
      ? periodLine(content, value, setting)
      : timeLine(content, value, setting);
    if (line === null) {
      const reason = `${content.name.toUpperCase()} "${value}" is no time`;
      if (needed.has(content.name)) throw new Error(reason);
      dropped.push(reason);
      continue;
    }
    const key = JSON.stringify([...line.params, line.value.endsWith('Z')]);
    const group = groups.get(key);
    groups.set(
      key,
      group === undefined ? line : { ...line, value: `${group.value},${line.value}` },
    );
  }
  return [...groups.values()];
}

function timeLine(content: ContentLine, value: string, setting: TimeSetting): ContentLine | null {
  const time = writtenTime(value);
  if (time === null) return null;
  const params = new Map(content.params);
  const isDate = isDay(time, content, setting);
  params.delete('value');
  params.delete('tzid');
  if (isDate) {
    params.set('value', 'DATE');
    return { ...content, params, value: basicTime(dayOf(time, content, setting), true) };
  }
  const zone = zoneOf(time, content, setting);
  if (zone !== null) params.set('tzid', zone);
  return {
    ...content,
    params,
    value: basicTime(time.wall, false) + (time.offset === 'Z' ? 'Z' : ''),
  };
}

/** A day by its form, by its type where it has no time of day, or by a mark at the event. */
function isDay(time: WrittenTime, content: ContentLine, setting: TimeSetting): boolean {
  if (time.isDate || setting.isAllDay) return true;
  const isTyped = content.params.get('value')?.toUpperCase() === 'DATE';
  return isTyped && time.wall === startOfDay(time.wall);
}

function dayOf(time: WrittenTime, content: ContentLine, setting: TimeSetting): WallMs {
  const isUtc = setting.isAllDay && time.offset === 'Z' && !content.params.has('tzid');
  return isUtc ? nearestDay(time.wall) : startOfDay(time.wall);
}

function zoneOf(time: WrittenTime, content: ContentLine, setting: TimeSetting): string | null {
  if (time.offset === 'Z') return null;
  if (time.offset !== null) return `GMT${time.offset}`;
  const own = (content.params.get('tzid') ?? '').trim();
  return own === '' ? setting.zone : own;
}

/** `start/end` or `start/duration`. */
function periodLine(content: ContentLine, value: string, setting: TimeSetting): ContentLine | null {
  const [from = '', to = ''] = value.split('/');
  const start = timeLine(content, from, setting);
  if (start === null || start.params.get('value') === 'DATE') return start;
  const end = /^[+-]?P/i.test(to) ? null : timeLine(content, to, setting);
  const length = end === null ? to.toUpperCase() : end.value;
  if (!/^(?:P|\d{8}T)/.test(length)) return null;
  const params = new Map(start.params).set('value', 'PERIOD');
  return { ...start, params, value: `${start.value}/${length}` };
}
