/**
 * A second implementation of recurring schedules, to compare with: walks over all minutes of a period and asks for each
 * what the clock on the wall shows. Slow, and shares no code with src/schedules.
 */
export interface Pattern {
  minutes: number[];
  hours: number[];
  /** Days of the month; -1: the last. Empty: every day. */
  monthDays: number[];
  /** 0: Sunday. Empty: every weekday. */
  weekdays: number[];
}

export const cronOf = ({ minutes, hours, monthDays, weekdays }: Pattern): string =>
  [
    minutes.join(','),
    hours.join(','),
    monthDays.map((day) => (day === -1 ? 'L' : day)).join(',') || '*',
    '*',
    weekdays.join(',') || '*',
  ].join(' ');

interface Wall {
  minute: number;
  hour: number;
  day: number;
  weekday: number;
  lastDay: number;
}

const minuteMs = 60_000;

const wallOf = (asUtc: number): Wall => {
  const date = new Date(asUtc);
  return {
    minute: date.getUTCMinutes(),
    hour: date.getUTCHours(),
    day: date.getUTCDate(),
    weekday: date.getUTCDay(),
    lastDay: new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate(),
  };
};

function matches(pattern: Pattern, wall: Wall): boolean {
  if (!pattern.minutes.includes(wall.minute) || !pattern.hours.includes(wall.hour)) return false;
  const byDay =
    pattern.monthDays.includes(wall.day) ||
    (pattern.monthDays.includes(-1) && wall.day === wall.lastDay);
  const byWeekday = pattern.weekdays.includes(wall.weekday);
  // As in cron: with both fields set, one of them is enough.
  if (pattern.monthDays.length > 0 && pattern.weekdays.length > 0) return byDay || byWeekday;
  if (pattern.monthDays.length > 0) return byDay;
  return pattern.weekdays.length === 0 || byWeekday;
}

/** All due instants in (from, to], epoch ms; both are whole minutes. */
export function dueMinutes(pattern: Pattern, zone: string, from: number, to: number): number[] {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone: zone,
    dateStyle: 'short',
    timeStyle: 'medium',
  });
  const shown = (at: number): number => Date.parse(`${format.format(at).replace(' ', 'T')}Z`);
  const due: number[] = [];
  // The latest wall time that was shown: what is not later was shown before.
  let latest = shown(from - 3 * 3_600_000);
  for (let at = from - 3 * 3_600_000 + minuteMs; at <= to; at += minuteMs) {
    const wall = shown(at);
    let isDue = false;
    for (let passed = latest + minuteMs; passed <= wall; passed += minuteMs) {
      if (matches(pattern, wallOf(passed))) isDue = true;
    }
    latest = Math.max(latest, wall);
    if (isDue && at > from) due.push(at);
  }
  return due;
}
