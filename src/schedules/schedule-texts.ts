/** What a schedule says, in Korean and English. */
import { localeOf, type Locale } from '#machines/texts';
import type { WallMs } from '#shared/calendar/zoned-time';
import type { OccurrenceOutcome, Schedule } from './schedule.ts';
import { wallText } from './next-occurrence.ts';

const weekdays: Record<Locale, string[]> = {
  ko: ['일', '월', '화', '수', '목', '금', '토'],
  en: ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'],
};

/** `2026-12-03 (Thu) 09:00 Asia/Seoul`; seconds only if there are any. */
export function timeText(wall: WallMs, zone: string, locale: Locale): string {
  const text = wallText(wall);
  const time = text.endsWith(':00') ? text.slice(11, 16) : text.slice(11);
  const weekday = weekdays[locale][new Date(wall).getUTCDay()];
  return `${text.slice(0, 10)} (${weekday}) ${time} ${zone}`;
}

/** `3 h 20 min`, in the two largest units. */
export function durationText(ms: number, locale: Locale): string {
  const minutes = Math.max(1, Math.round(ms / 60_000));
  const parts = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60), minutes % 60];
  const units = locale === 'ko' ? ['일', '시간', '분'] : [' d', ' h', ' min'];
  const first = parts.findIndex((part) => part > 0);
  return parts
    .map((part, at) => (part > 0 && at <= first + 1 ? `${part}${units[at]}` : ''))
    .filter((part) => part !== '')
    .join(' ');
}

export interface OccurrenceReport {
  outcome: OccurrenceOutcome;
  wall: WallMs;
  delayMs: number;
  missedBefore: number;
}

/** The message of an occurrence: the reminder itself, or what became of it. */
export function occurrenceText(schedule: Schedule, report: OccurrenceReport): string {
  const locale = localeOf(schedule.text);
  const { outcome, delayMs, missedBefore } = report;
  const at = timeText(report.wall, schedule.zone, locale);
  const texts = locale === 'ko' ? ko : en;
  const lines = texts.lines(outcome, schedule.text, at, durationText(delayMs, locale));
  return [...lines, ...(missedBefore > 0 ? [texts.missedBefore(missedBefore)] : [])].join('\n');
}

interface ScheduleTexts {
  lines(outcome: OccurrenceOutcome, text: string, at: string, delay: string): string[];
  missedBefore(count: number): string;
  paused(text: string, reason: string): string;
  redirected(channel: string): string;
}

const ko: ScheduleTexts = {
  lines(outcome, text, at, delay) {
    switch (outcome) {
      case 'fired':
      case 'manual':
        return [`⏰ ${text}`];
      case 'late':
        return [`⏰ ${text}`, `(${delay} 늦은 알림입니다. 원래 시각: ${at})`];
      case 'missed':
        return [`놓친 예약: ${text}`, `(원래 시각: ${at}. ${delay}이 지나 실행하지 않았습니다.)`];
      case 'skipped':
        return [`건너뛴 예약: ${text}`, `(${at}. 앞의 실행이 아직 끝나지 않았습니다.)`];
    }
  },
  missedBefore: (count) => `(그 전의 ${count}회도 놓쳤습니다.)`,
  paused: (text, reason) => `예약을 멈췄습니다: ${text}\n(${reason})`,
  redirected: (channel) => `(이 알림은 ${channel}(으)로 보낼 수 없어 여기로 보냅니다.)`,
};

const en: ScheduleTexts = {
  lines(outcome, text, at, delay) {
    switch (outcome) {
      case 'fired':
      case 'manual':
        return [`⏰ ${text}`];
      case 'late':
        return [`⏰ ${text}`, `(${delay} late. It was due at ${at}.)`];
      case 'missed':
        return [`Missed: ${text}`, `(It was due at ${at}, ${delay} ago, and was not run.)`];
      case 'skipped':
        return [`Skipped: ${text}`, `(${at}. The run before it has not ended.)`];
    }
  },
  missedBefore: (count) => `(${count} earlier ${count === 1 ? 'time was' : 'times were'} missed.)`,
  paused: (text, reason) => `Paused: ${text}\n(${reason})`,
  redirected: (channel) => `(It could not be delivered to ${channel}, so it is sent here.)`,
};

export function pausedText(schedule: Schedule, reason: string): string {
  return (localeOf(schedule.text) === 'ko' ? ko : en).paused(schedule.text, reason);
}

/** A message that `channel` has refused, for another one. */
export const redirectedText = (message: string, channel: string): string =>
  `${message}\n${(localeOf(message) === 'ko' ? ko : en).redirected(channel)}`;
