/** The half of the day of one hour, for a single time: said, implied by the words and the clock, or to be asked. */
import type { ParsedTimes } from '../dates/parse-times.ts';

/** `wake`: hours from 4 are in the morning. */
export type HalfCue = 'am' | 'pm' | 'night' | 'wake' | null;

export interface ClockReading {
  /** Minutes since midnight. */
  minutes: number;
  /** Days to add: 오늘 밤 12시 is the midnight after today. */
  shift: number;
  /** Without a day: today's time is over. */
  isTomorrow: boolean;
  isDoubtful: boolean;
}

export interface ClockSituation {
  /** Whether the words name a day, and whether it is today. */
  day: 'none' | 'today' | 'other';
  minuteOfDay: number;
  cue: HalfCue;
}

const noonMinutes = 720;
const morningMinute = 360;
/** 오전 12시 is midnight on a digital clock and noon to many people. */
const twelveInMorning = /오전\s*(?:12|열두)\s*시(?!\s*(?:\d|반))|오전\s*12:00/u;
const twelveAm = /\b12(?::00)?\s*a\.?m\b/u;

export function readClock(
  text: string,
  times: ParsedTimes,
  situation: ClockSituation,
): ClockReading | 'half' | 'midnight' | 'noon' | 'times' | 'past' {
  const [clock, second] = times.clocks;
  if (clock === undefined || second !== undefined || times.end !== undefined) return 'times';
  if (twelveInMorning.test(text)) return 'noon';
  const { day, minuteOfDay } = situation;
  const narrowed = narrow(clock.minutes, clock.certainty, situation.cue);
  if (narrowed !== null) {
    const isTomorrow = day === 'none' && narrowed <= minuteOfDay;
    const isDoubtful = day === 'other' && twelveAm.test(text);
    if (day === 'none') return { minutes: narrowed, shift: 0, isTomorrow, isDoubtful };
    if (times.dayShift === 'either' && narrowed === 0) return 'midnight';
    const isNight = times.dayShift === 'next' || situation.cue === 'night';
    const isOver = day === 'today' && minuteOfDay < Math.min(narrowed, morningMinute);
    const shift = isNight && narrowed < morningMinute && !isOver ? 1 : 0;
    return { minutes: narrowed, shift, isTomorrow, isDoubtful };
  }
  return chooseHalf(clock.minutes, clock.certainty === 'likely', situation);
}

/** The minutes if the half is known; null otherwise. */
export function narrow(
  minutes: number,
  certainty: ParsedTimes['startCertainty'],
  cue: HalfCue,
): number | null {
  if (certainty === 'explicit') return minutes;
  const early = minutes % noonMinutes;
  switch (cue) {
    case 'am':
      return early;
    case 'pm':
      return early + noonMinutes;
    case 'night':
      return early < morningMinute ? early : early + noonMinutes;
    case 'wake':
      return early >= 240 ? early : null;
    case null:
      return null;
  }
}

function chooseHalf(
  minutes: number,
  isLikely: boolean,
  { day, minuteOfDay }: ClockSituation,
): ClockReading | 'half' | 'noon' | 'past' {
  const early = minutes % noonMinutes;
  const isTwelve = early < 60;
  const ask = isTwelve ? 'noon' : 'half';
  const reading = (at: number, isTomorrow = false): ClockReading => ({
    minutes: at,
    shift: 0,
    isTomorrow,
    isDoubtful: false,
  });
  // An hour of another day: 1 to 6 are meant in the afternoon, the others in either half.
  if (day === 'other') return isLikely ? reading(early + noonMinutes) : ask;
  const [ahead] = [early, early + noonMinutes].filter((at) => at > minuteOfDay);
  if (day === 'today') {
    if (ahead === undefined) return 'past';
    return isLikely || isTwelve ? reading(early + noonMinutes) : reading(ahead);
  }
  const next = ahead ?? early;
  // 3시 said at 16:00: the next one is at night, which is seldom meant.
  if (isLikely && next < noonMinutes) return ask;
  if (isTwelve && next < noonMinutes) return ask;
  return reading(next, ahead === undefined);
}
