/**
 * Parses the alarms of an event: VALARM (RFC 5545, RFC 9074), the alarms of vCalendar 1.0, and what Thunderbird stores
 * about dismissed and snoozed ones.
 *
 * 1. ACTION:NONE is an alarm that a person switched off: the entry has none on purpose. Apple writes it with a trigger in 1976.
 * 2. Every other known ACTION is an alarm; a program is never run. An alarm at a place has no time and is left out.
 */
import ICAL from 'ical.js';
import { dayMs, hourMs, minuteMs } from '#shared/calendar/time-units';
import { parseCalendarTime, formatBasicTime } from './calendar-time.ts';
import type { ContentLine } from './content-lines.ts';
import type { EventAlarm, Moment } from './event.ts';

/** Alarms of one entry, and repetitions of one alarm: more are a mistake of their program. */
const alarmsMax = 50;
const repeatMax = 100;

/** Signed: calendar days, then elapsed time. */
interface Duration {
  days: number;
  ms: number;
}

const unitMs: Record<string, number> = { H: hourMs, M: minuteMs, S: 1_000 };

/**
 * A duration as programs write it: `-PT15M`, and also `-P0DT0H30M0S`, `-P1WT2H`, `-PT1D`, `-P1H`, `-PT0DT0H10M0S`,
 * `PT-15M`, `P` (no time). Null for anything else.
 */
function parseDuration(text: string): Duration | null {
  const match = /^([+-]?)P((?:T|[+-]?\d+[WDHMS])*)$/.exec(text.trim().toUpperCase());
  if (match === null) return null;
  const sign = match[1] === '-' ? -1 : 1;
  const duration = { days: 0, ms: 0 };
  for (const [, amount = '', unit = ''] of (match[2] ?? '').matchAll(/([+-]?\d+)([WDHMS])/g)) {
    const signed = sign * Number(amount);
    if (unit === 'W') duration.days += signed * 7;
    else if (unit === 'D') duration.days += signed;
    else duration.ms += signed * unitMs[unit]!;
  }
  // A calendar has no year beyond 9999; what is larger is a damaged number.
  return Math.abs(duration.days) + Math.abs(duration.ms) / dayMs > 36_600 ? null : duration;
}

/** The TRIGGER or DURATION of an alarm in the form of RFC 5545. Its VALUE is by its form, not by its parameter. */
export function normalizeAlarmTime(line: ContentLine): ContentLine {
  const params = new Map(line.params);
  params.delete('value');
  const duration = parseDuration(line.value);
  if (duration !== null) return { ...line, params, value: durationText(duration) };
  const time = line.name === 'trigger' ? parseCalendarTime(line.value) : null;
  if (time === null) return line;
  params.set('value', 'DATE-TIME');
  if (time.offset !== null) params.delete('tzid');
  if (time.offset !== null && time.offset !== 'Z') params.set('tzid', `GMT${time.offset}`);
  return {
    ...line,
    params,
    value: formatBasicTime(time.wall, false) + (time.offset === 'Z' ? 'Z' : ''),
  };
}

function durationText({ days, ms }: Duration): string {
  // Parts of different signs cannot be written: such a duration is all in seconds.
  const isMixed = days * ms < 0;
  const [wholeDays, rest] = isMixed ? [0, days * dayMs + ms] : [days, ms];
  const sign = wholeDays < 0 || rest < 0 ? '-' : '';
  const date = wholeDays === 0 ? '' : `${Math.abs(wholeDays)}D`;
  const time = rest === 0 && date !== '' ? '' : `T${Math.abs(rest) / 1_000}S`;
  return `${sign}P${date}${time}`;
}

interface AlarmContext {
  /** Records the reason why an alarm was left out. */
  drop: (reason: string) => unknown;
  /** The absolute time of a TRIGGER; null if it has none. */
  toMoment(property: ICAL.Property): Moment | null;
}

/** `alarms` is left out if the event says nothing about alarms. */
export function parseAlarms(
  event: ICAL.Component,
  context: AlarmContext,
): { alarms?: EventAlarm[] } {
  const written = event.getAllSubcomponents('valarm');
  const read = written.map((alarm) => parseAlarm(alarm, context));
  const alarms = [
    ...read.filter((one) => one !== null && one !== 'none'),
    ...parseOldAlarms(event),
    ...parseSnoozes(event),
  ];
  if (alarms.length === 0) return read.includes('none') ? { alarms: [] } : {};
  if (alarms.length > alarmsMax) context.drop(`it has more than ${alarmsMax} alarms`);
  const dismissed = utcOf(textOf(event, 'x-moz-lastack'));
  return {
    alarms: alarms.slice(0, alarmsMax).map((one) => ({
      ...one,
      dismissedUntil: latest(one.dismissedUntil, dismissed),
    })),
  };
}

/** `none`: switched off by a person. Null: left out. */
function parseAlarm(
  alarm: ICAL.Component,
  { drop, toMoment }: AlarmContext,
): EventAlarm | 'none' | null {
  const action = textOf(alarm, 'action').toUpperCase();
  if (action === 'NONE') return 'none';
  if (!/^(?:DISPLAY|AUDIO|EMAIL|)$/.test(action)) {
    drop(`an alarm with ACTION ${action} is left out`);
    return null;
  }
  if (alarm.hasProperty('x-apple-proximity')) {
    drop('an alarm at a place is left out');
    return null;
  }
  const trigger = alarm.getFirstProperty('trigger');
  const at = trigger === null ? null : (toMoment(trigger) ?? relativeOf(trigger));
  if (at === null) {
    drop('an alarm without a readable TRIGGER is left out');
    return null;
  }
  return {
    trigger: at,
    ...repetitionOf(alarm),
    dismissedUntil: timeOf(alarm.getFirstPropertyValue('acknowledged')),
  };
}

function relativeOf(trigger: ICAL.Property): EventAlarm['trigger'] | null {
  const value = trigger.getFirstValue();
  const duration = value instanceof ICAL.Duration ? parseDuration(value.toString()) : null;
  if (duration === null) return null;
  const isEnd = String(trigger.getParameter('related') ?? '').toUpperCase() === 'END';
  return { from: isEnd ? 'end' : 'start', ...duration };
}

function repetitionOf(alarm: ICAL.Component): Pick<EventAlarm, 'repeat' | 'repeatMs'> {
  const repeat = Number(alarm.getFirstPropertyValue('repeat') ?? 0);
  const written = alarm.getFirstPropertyValue('duration');
  const duration = written instanceof ICAL.Duration ? parseDuration(written.toString()) : null;
  const repeatMs = duration === null ? 0 : duration.days * dayMs + duration.ms;
  if (!(repeat > 0) || repeatMs <= 0) return { repeat: 0, repeatMs: 0 };
  return { repeat: Math.min(Math.floor(repeat), repeatMax), repeatMs };
}

/** `DALARM:20261203T083000Z;PT5M;2;text` and AALARM of vCalendar 1.0: time, interval, repetitions. */
const parseOldAlarms = (event: ICAL.Component): EventAlarm[] =>
  ['dalarm', 'aalarm'].flatMap((name) =>
    event.getAllProperties(name).flatMap((property) => {
      const [time = '', interval = '', count = ''] = String(property.getFirstValue()).split(';');
      const trigger = momentOf(time);
      if (trigger === null) return [];
      const every = parseDuration(interval);
      const repeatMs = every === null ? 0 : every.days * dayMs + every.ms;
      const repeat = repeatMs > 0 ? Math.min(Math.max(0, Number(count) || 0), repeatMax) : 0;
      return [{ trigger, repeat, repeatMs, dismissedUntil: null }];
    }),
  );

/** X-MOZ-SNOOZE-TIME; for an instance of a series its name ends with the time of the instance. */
const parseSnoozes = (event: ICAL.Component): EventAlarm[] =>
  event
    .getAllProperties()
    .filter(({ name }) => /^x-moz-snooze-time(?:-\d+)?$/.test(name))
    .flatMap((property) => {
      const trigger = momentOf(String(property.getFirstValue()));
      return trigger === null ? [] : [{ trigger, repeat: 0, repeatMs: 0, dismissedUntil: null }];
    });

function momentOf(text: string): Moment | null {
  const time = parseCalendarTime(text);
  if (time === null || time.isDate) return null;
  if (time.offset === null) return { kind: 'floating', wall: time.wall, zone: null };
  return { kind: 'zoned', wall: time.wall, zone: time.offset === 'Z' ? 'UTC' : time.offset };
}

/** Epoch ms of a time in UTC; null for any other. */
function utcOf(text: string): number | null {
  const moment = momentOf(text);
  return moment?.zone === 'UTC' ? moment.wall : null;
}

const timeOf = (value: unknown): number | null =>
  value instanceof ICAL.Time ? value.toUnixTime() * 1_000 : utcOf(String(value ?? ''));

const latest = (one: number | null, other: number | null): number | null =>
  one === null || other === null ? (one ?? other) : Math.max(one, other);

function textOf(component: ICAL.Component, name: string): string {
  const value = component.getFirstPropertyValue(name);
  return typeof value === 'string' ? value.trim() : '';
}
