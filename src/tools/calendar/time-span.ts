/** Converts the date and time parameters of a draft to its time span. */
import { dayMs, hourMs } from '#shared/calendar/time-units';
import { parseTimeOfDay, parseIsoDate, type WallMs, type Zones } from '#shared/calendar/zoned-time';

export interface TimeSpanParams {
  date: string;
  end_date?: string | undefined;
  time?: string | undefined;
  end_time?: string | undefined;
}

export interface TimeSpan {
  allDay: boolean;
  start: WallMs;
  /** Exclusive. */
  end: WallMs;
}

/** Length of an entry without an end: the default of calendar programs for a new entry. */
const defaultLengthMs = hourMs;

/** Longest entry. An end date beyond a year is a mistake, such as a wrong year. */
const lengthMaxMs = 366 * dayMs;

/** The span, or the name of the parameter that is inconsistent with the others. */
export function parseTimeSpan(params: TimeSpanParams): TimeSpan | keyof TimeSpanParams {
  const day = parseIsoDate(params.date);
  const lastDay = params.end_date === undefined ? day : parseIsoDate(params.end_date);
  if (day === null) return 'date';
  if (lastDay === null || lastDay < day || lastDay - day > lengthMaxMs) return 'end_date';
  if (params.time === undefined) {
    if (params.end_time !== undefined) return 'time';
    return { allDay: true, start: day, end: lastDay + dayMs };
  }
  const time = parseTimeOfDay(params.time);
  if (time === null) return 'time';
  const start = day + time;
  if (params.end_time === undefined) {
    if (params.end_date !== undefined && lastDay > day) return 'end_time';
    return { allDay: false, start, end: start + defaultLengthMs };
  }
  const endTime = parseTimeOfDay(params.end_time);
  if (endTime === null) return 'end_time';
  let end = lastDay + endTime;
  // 22:00 to 01:00 crosses midnight; an end equal to the start is a mistake.
  if (end < start && params.end_date === undefined) end += dayMs;
  return end > start ? { allDay: false, start, end } : 'end_time';
}

/**
 * The span as clocks in the zone show it: a time that a clock change skips becomes the time that they show instead;
 * if the end would then not be after the start, the span keeps its length. @throws RangeError for an unknown zone
 */
export function resolveSpan(span: TimeSpan, timeZone: string, zones: Zones): TimeSpan {
  if (span.allDay) return span;
  const shown = (at: WallMs): WallMs => zones.toWallTime(zones.toInstant(at, timeZone), timeZone);
  const start = shown(span.start);
  const end = shown(span.end);
  return { allDay: false, start, end: end > start ? end : start + span.end - span.start };
}
