/** From the date and time parameters of a draft to the time that it takes up. */
import { dayMs, hourMs, timeOfDay, wallOfDate, type WallMs, type Zones } from '../zoned-time.ts';

export interface SpanParams {
  date: string;
  end_date?: string | undefined;
  time?: string | undefined;
  end_time?: string | undefined;
}

export interface Span {
  allDay: boolean;
  start: WallMs;
  /** Exclusive. */
  end: WallMs;
}

/** Length of an entry whose end nobody named: what calendar programs give a new one. */
const defaultLengthMs = hourMs;

/** Longest entry. Beyond a year the end date is a slip, such as a wrong year. */
const lengthMaxMs = 366 * dayMs;

/** The span, or the name of the parameter that does not fit the others. */
export function spanOf(params: SpanParams): Span | keyof SpanParams {
  const day = wallOfDate(params.date);
  const lastDay = params.end_date === undefined ? day : wallOfDate(params.end_date);
  if (day === null) return 'date';
  if (lastDay === null || lastDay < day || lastDay - day > lengthMaxMs) return 'end_date';
  if (params.time === undefined) {
    if (params.end_time !== undefined) return 'time';
    return { allDay: true, start: day, end: lastDay + dayMs };
  }
  const time = timeOfDay(params.time);
  if (time === null) return 'time';
  const start = day + time;
  if (params.end_time === undefined) {
    if (params.end_date !== undefined && lastDay > day) return 'end_time';
    return { allDay: false, start, end: start + defaultLengthMs };
  }
  const endTime = timeOfDay(params.end_time);
  if (endTime === null) return 'end_time';
  let end = lastDay + endTime;
  // 22:00 to 01:00 goes over midnight; the same time twice is a mistake.
  if (end < start && params.end_date === undefined) end += dayMs;
  return end > start ? { allDay: false, start, end } : 'end_time';
}

/**
 * The span as clocks in the zone will show it: a time that the change of the clocks skips is the one that they
 * show instead, and what ended before it keeps its length. @throws RangeError for an unknown zone
 */
export function settledSpan(span: Span, timeZone: string, zones: Zones): Span {
  if (span.allDay) return span;
  const shown = (at: WallMs): WallMs => zones.wallOf(zones.instantOf(at, timeZone), timeZone);
  const start = shown(span.start);
  const end = shown(span.end);
  return { allDay: false, start, end: end > start ? end : start + span.end - span.start };
}
