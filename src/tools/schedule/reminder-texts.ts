/** What people read about reminders, in Korean and English: the absolute time, the weekday and the zone, always. */
import type { Locale } from '#machines/texts';
import type { WallMs } from '#shared/calendar/zoned-time';
import { clockText, ruleText } from './rule-text.ts';
import type { ReminderTiming, StoredReminder } from './reminder-book.ts';

const weekdays: Record<Locale, string[]> = {
  ko: ['일', '월', '화', '수', '목', '금', '토'],
  en: ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'],
};

/** `2026-12-03 (목) 오전 9:00`. */
export function momentText(wall: WallMs, locale: Locale): string {
  const date = new Date(wall);
  const weekday = weekdays[locale][date.getUTCDay()];
  return `${date.toISOString().slice(0, 10)} (${weekday}) ${clockText(wall, locale)}`;
}

/** The rule of a repetition with its next time, or the time. `wall`: of the next occurrence. */
export function timingText(timing: ReminderTiming, wall: WallMs | null, locale: Locale): string {
  const next = wall === null ? null : momentText(wall, locale);
  if ('once' in timing.rule) return `${next ?? timing.rule.once} (${timing.zone})`;
  const rule = ruleText(timing.rule, locale);
  const end =
    timing.end === null
      ? ''
      : locale === 'ko'
        ? `, ${timing.end.slice(0, 10)}까지`
        : `, until ${timing.end.slice(0, 10)}`;
  const first = next === null ? '' : locale === 'ko' ? `, 다음: ${next}` : `, next: ${next}`;
  return `${rule}${end}${first} (${timing.zone})`;
}

const listedMax = 20;

const ko = {
  kinds: { reminder: '알림', prompt: '예약 실행', digest: '브리핑' },
  set: (text: string, at: string) => `⏰ ${at}에 알려드릴게요: ${text}`,
  setUndo: (minutes: number) => `(잘못됐다면 ${minutes}분 안에 ‘취소’라고 답해주세요.)`,
  every: (kind: string, text: string, at: string) => `⏰ ${kind}을 예약했어요: ${text}\n${at}`,
  draft: (kind: string, text: string, at: string) =>
    `다음 ${kind}을 예약할까요?\n내용: ${text}\n시각: ${at}`,
  shortMonths: '(그 날이 없는 달은 건너뜁니다.)',
  inGap: (at: string) => `(그 시각은 시계가 바뀌어 없으므로 ${at}에 알립니다.)`,
  list: (count: number) => `예약된 알림 ${count}건:`,
  none: '예약된 알림이 없습니다.',
  line: (at: string, text: string, isPaused: boolean) =>
    `${at} — ${text}${isPaused ? ' (멈춤)' : ''}`,
  more: (count: number) => `… 외 ${count}건`,
  noMatch: '그런 알림은 없습니다.',
  which: '어느 알림인가요? 번호로 답해주세요. (예: 2번 알림 취소)',
  cancelled: (text: string, at: string) => `알림을 취소했어요: ${text}\n${at}`,
  cancelledAll: (count: number) => `알림 ${count}건을 모두 취소했어요.`,
  cancelUndo: (minutes: number) => `(되돌리려면 ${minutes}분 안에 ‘되돌려줘’라고 답해주세요.)`,
  pausedAll: (count: number) => `알림 ${count}건을 모두 멈췄어요.`,
  resumedAll: (count: number) => `알림 ${count}건을 모두 다시 켰어요.`,
  paused: (text: string) => `알림을 멈췄어요: ${text}`,
  resumed: (text: string, at: string) => `알림을 다시 켰어요: ${text}\n${at}`,
  moved: (text: string, from: string, to: string) =>
    `알림 시각을 바꿨어요: ${text}\n${from} → ${to}`,
  notMovable: '이 알림은 시각만 바꿀 수 없어요. 취소하고 다시 예약해주세요.',
  snoozed: (text: string, at: string) => `⏰ ${at}에 다시 알려드릴게요: ${text}`,
  nothingToSnooze: '방금 울린 알림이 없습니다. 무엇을 언제 알려드릴까요?',
  undone: (text: string) => `취소했어요: ${text}`,
  restored: (text: string, at: string) => `되돌렸어요: ${text}\n${at}`,
  nothingToUndo: '방금 예약하거나 취소한 알림이 없습니다.',
  past: '그 시각은 이미 지났어요. 언제 알려드릴까요?',
  limit: (max: number) =>
    `알림은 한 사람이 ${max}건까지 예약할 수 있습니다. 먼저 하나를 취소해주세요.`,
  uncertain: '알림이 바뀌었는지 확인하지 못했습니다. ‘알림 뭐 있어?’로 확인해주세요.',
};

type ReminderTexts = typeof ko;

const en: ReminderTexts = {
  kinds: { reminder: 'reminder', prompt: 'scheduled request', digest: 'briefing' },
  set: (text, at) => `⏰ I will remind you on ${at}: ${text}`,
  setUndo: (minutes) => `(If that is wrong, reply "undo" within ${minutes} minutes.)`,
  every: (kind, text, at) => `⏰ The ${kind} is set: ${text}\n${at}`,
  draft: (kind, text, at) => `Shall I set this ${kind}?\nText: ${text}\nTime: ${at}`,
  shortMonths: '(Months without that day are skipped.)',
  inGap: (at) => `(The clocks skip that time, so it comes at ${at}.)`,
  list: (count) => `${count} ${count === 1 ? 'reminder' : 'reminders'}:`,
  none: 'You have no reminders.',
  line: (at, text, isPaused) => `${at} — ${text}${isPaused ? ' (paused)' : ''}`,
  more: (count) => `… and ${count} more`,
  noMatch: 'There is no such reminder.',
  which: 'Which one? Reply with its number ("cancel reminder number 2").',
  cancelled: (text, at) => `Cancelled: ${text}\n${at}`,
  cancelledAll: (count) => `Cancelled all ${count} reminders.`,
  cancelUndo: (minutes) => `(To have it back, reply "undo" within ${minutes} minutes.)`,
  pausedAll: (count) => `Paused all ${count} reminders.`,
  resumedAll: (count) => `Resumed all ${count} reminders.`,
  paused: (text) => `Paused: ${text}`,
  resumed: (text, at) => `Resumed: ${text}\n${at}`,
  moved: (text, from, to) => `Moved: ${text}\n${from} → ${to}`,
  notMovable: 'The time of this reminder cannot be moved alone. Cancel it and set it again.',
  snoozed: (text, at) => `⏰ I will remind you again on ${at}: ${text}`,
  nothingToSnooze: 'No reminder has just fired here. What should I remind you of, and when?',
  undone: (text) => `Taken back: ${text}`,
  restored: (text, at) => `Restored: ${text}\n${at}`,
  nothingToUndo: 'There is no reminder that was just set or cancelled here.',
  past: 'That time is over already. When should I remind you?',
  limit: (max) => `One person can have ${max} reminders. Cancel one first.`,
  uncertain: 'Could not tell whether the reminder was changed. Ask "what reminders do I have".',
};

export const reminderTexts = (locale: Locale): ReminderTexts => (locale === 'ko' ? ko : en);

/** The list, in the order of the numbers that `which` takes. `wallOf`: the wall time of the next occurrence. */
export function listText(
  all: readonly StoredReminder[],
  locale: Locale,
  wallOf: (one: StoredReminder) => WallMs | null,
): string {
  const texts = reminderTexts(locale);
  if (all.length === 0) return texts.none;
  const lines = all.slice(0, listedMax).map((one, at) => {
    const due = timingText(one, wallOf(one), locale);
    return `${at + 1}. ${texts.line(due, one.text, one.state === 'paused')}`;
  });
  const more = all.length > listedMax ? [texts.more(all.length - listedMax)] : [];
  return [texts.list(all.length), ...lines, ...more].join('\n');
}
