/**
 * Converts the lines of an event, as other programs write them, to the form that event-parser.ts interprets.
 *
 * 1. An unreadable value is dropped and reported. If it is the start, the instance or the rule of an event, the time
 *    of the event cannot be determined, and the whole event is dropped.
 * 2. A time without a zone gets the calendar's zone (X-WR-TIMEZONE, or TZ of vCalendar 1.0) if there is one.
 */
import { startOfDay, type WallMs } from '#shared/calendar/zoned-time';
import { parseContentLine, type ContentLine } from './content-lines.ts';
import { normalizeRule } from './normalize-rule.ts';
import {
  formatBasicTime,
  nearestDay,
  parseCalendarTime,
  type CalendarTime,
} from './calendar-time.ts';

/** Properties of a calendar that apply to all its events. */
export interface CalendarDefaults {
  /** Zone of times without a zone, as written; null if the calendar names none. */
  zone: string | null;
  /** METHOD:CANCEL. */
  isCancel: boolean;
}

export interface NormalizedLines {
  lines: ContentLine[];
  /** One line per dropped value, with the reason. */
  dropped: string[];
}

export function parseCalendarDefaults(lines: readonly string[]): CalendarDefaults {
  const contents = lines.map(parseContentLine).filter((line) => line !== null);
  const valueOf = (name: string): string =>
    contents.find((line) => line.name === name)?.value.trim() ?? '';
  const old = parseOffsetZone(valueOf('tz'));
  const zone = valueOf('x-wr-timezone') || old;
  return {
    zone: zone === '' ? null : zone,
    isCancel: valueOf('method').toUpperCase() === 'CANCEL',
  };
}

/** A zone name for the TZ of vCalendar 1.0 (`+09`, `-05:30`); empty for any other text. */
const parseOffsetZone = (offset: string): string =>
  /^[+-]\d{1,2}(?::?\d\d)?$/.test(offset) ? `GMT${offset}` : '';

const allDayMarks =
  /^x-(?:microsoft-cdo-alldayevent|microsoft-msncalendar-alldayevent|funambol-allday|allday)$/;

/** Normalizes the lines of an event. @throws Error if the time of the event cannot be determined */
export function normalizeEventLines(
  written: readonly string[],
  facts: CalendarDefaults,
): NormalizedLines {
  const normalized: NormalizedLines = { lines: [], dropped: [] };
  const contents: ContentLine[] = [];
  for (const line of written) {
    const content = parseContentLine(line);
    if (content === null) normalized.dropped.push(`"${line}" is no property`);
    else contents.push(content);
  }
  const start = contents.find(({ name }) => name === 'dtstart');
  const setting: TimeContext = {
    isAllDay: contents.some(
      ({ name, value }) => allDayMarks.test(name) && /^(?:true|1)$/i.test(value.trim()),
    ),
    // A time of the event without a zone is in the zone of its start.
    zone: (start?.params.get('tzid') ?? '').trim() === '' ? facts.zone : null,
  };
  for (const content of contents)
    normalized.lines.push(...normalizeLine(content, setting, facts, normalized.dropped));
  if (facts.isCancel) {
    const others = normalized.lines.filter(({ name }) => name !== 'status');
    normalized.lines = [...others, { name: 'status', params: new Map(), value: 'CANCELLED' }];
  }
  return normalized;
}

interface TimeContext {
  /** The times are days although they are written with a time of day. */
  isAllDay: boolean;
  zone: string | null;
}

const eventTimes = /^(?:dtstart|dtend|recurrence-id|exdate|rdate)$/;
const stampTimes = /^(?:dtstamp|created|last-modified|completed)$/;
const lists = new Set(['exdate', 'rdate']);
const requiredTimes = new Set(['dtstart', 'recurrence-id']);

function normalizeLine(
  content: ContentLine,
  setting: TimeContext,
  facts: CalendarDefaults,
  dropped: string[],
): ContentLine[] {
  const { name, value } = content;
  const trimmed = value.trim();
  if (eventTimes.test(name)) return normalizeTimeLines(content, setting, dropped);
  if (stampTimes.test(name)) {
    return normalizeTimeLines(content, { isAllDay: false, zone: facts.zone }, dropped);
  }
  if (/^(?:rrule|exrule|duration)$/.test(name) && trimmed === '') return [];
  if (name === 'duration') return [{ ...content, value: trimmed.toUpperCase() }];
  if (name === 'rrule' || name === 'exrule') {
    return [{ ...content, value: normalizeRule(value, setting.isAllDay) }];
  }
  // vCalendar 1.0 uses numbers for TRANSP: 0 blocks the time, 1 and above do not.
  const isFree = name === 'transp' && /^[1-9]$/.test(trimmed);
  return [isFree ? { ...content, value: 'TRANSPARENT' } : content];
}

/** One line for each form of the times in a line. @throws Error if a required time is unreadable */
function normalizeTimeLines(
  content: ContentLine,
  setting: TimeContext,
  dropped: string[],
): ContentLine[] {
  const groups = new Map<string, ContentLine>();
  // vCalendar 1.0 separates the values with semicolons.
  const values = lists.has(content.name) ? content.value.split(/[,;]/) : [content.value];
  for (const value of values.map((one) => one.trim()).filter((one) => one !== '')) {
    const line = value.includes('/')
      ? normalizePeriod(content, value, setting)
      : normalizeTimeLine(content, value, setting);
    if (line === null) {
      const reason = `${content.name.toUpperCase()} "${value}" is no time`;
      if (requiredTimes.has(content.name)) throw new Error(reason);
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

function normalizeTimeLine(
  content: ContentLine,
  value: string,
  setting: TimeContext,
): ContentLine | null {
  const time = parseCalendarTime(value);
  if (time === null) return null;
  const params = new Map(content.params);
  const isDate = isDay(time, content, setting);
  params.delete('value');
  params.delete('tzid');
  if (isDate) {
    params.set('value', 'DATE');
    return { ...content, params, value: formatBasicTime(dayOf(time, content, setting), true) };
  }
  const zone = zoneOf(time, content, setting);
  if (zone !== null) params.set('tzid', zone);
  return {
    ...content,
    params,
    value: formatBasicTime(time.wall, false) + (time.offset === 'Z' ? 'Z' : ''),
  };
}

/** A value is a day by its form, by VALUE=DATE if it is at midnight, or by an all-day mark of the event. */
function isDay(time: CalendarTime, content: ContentLine, setting: TimeContext): boolean {
  if (time.isDate || setting.isAllDay) return true;
  const isTyped = content.params.get('value')?.toUpperCase() === 'DATE';
  return isTyped && time.wall === startOfDay(time.wall);
}

function dayOf(time: CalendarTime, content: ContentLine, setting: TimeContext): WallMs {
  const isUtc = setting.isAllDay && time.offset === 'Z' && !content.params.has('tzid');
  return isUtc ? nearestDay(time.wall) : startOfDay(time.wall);
}

function zoneOf(time: CalendarTime, content: ContentLine, setting: TimeContext): string | null {
  if (time.offset === 'Z') return null;
  if (time.offset !== null) return `GMT${time.offset}`;
  const own = (content.params.get('tzid') ?? '').trim();
  return own === '' ? setting.zone : own;
}

/** `start/end` or `start/duration`. */
function normalizePeriod(
  content: ContentLine,
  value: string,
  setting: TimeContext,
): ContentLine | null {
  const [from = '', to = ''] = value.split('/');
  const start = normalizeTimeLine(content, from, setting);
  if (start === null || start.params.get('value') === 'DATE') return start;
  const end = /^[+-]?P/i.test(to) ? null : normalizeTimeLine(content, to, setting);
  const length = end === null ? to.toUpperCase() : end.value;
  if (!/^(?:P|\d{8}T)/.test(length)) return null;
  const params = new Map(start.params).set('value', 'PERIOD');
  return { ...start, params, value: `${start.value}/${length}` };
}
