/** Which of a person's reminders a selection means: by words, time of day, weekday, date or number. */
import { containsAllWords, splitWords } from '../sanitize-text.ts';
import type { StoredReminder } from './reminder-book.ts';
import type { ChangeParams } from './schedule-operations.ts';

type Selection = Pick<
  ChangeParams,
  'words' | 'times' | 'weekdays' | 'date' | 'index' | 'all' | 'last'
>;

/** In the order of the list: the next one first, paused ones last. */
export const inListOrder = (all: readonly StoredReminder[]): StoredReminder[] =>
  all
    .filter(({ state }) => state === 'active' || state === 'paused')
    .toSorted(
      (a, b) => (a.nextAt ?? Infinity) - (b.nextAt ?? Infinity) || a.createdAt - b.createdAt,
    );

export const isNarrowed = (selection: Selection): boolean =>
  Object.values({ ...selection, all: undefined }).some((one) => one !== undefined);

/** @param open in the order of the list */
export function selectReminders(
  open: readonly StoredReminder[],
  selection: Selection,
): StoredReminder[] {
  const { words, times, weekdays, date, index, last } = selection;
  if (index !== undefined) return open.slice(index - 1, index);
  const found = open.filter(
    (one) =>
      (words === undefined || hasWords(one.text, words)) &&
      (times === undefined || times.some((time) => clocksOf(one).includes(time))) &&
      (weekdays === undefined || weekdays.every((day) => weekdaysOf(one).includes(day))) &&
      (date === undefined || dateOf(one) === date),
  );
  if (last !== true || found.length < 2) return found;
  return found.toSorted((a, b) => b.createdAt - a.createdAt).slice(0, 1);
}

/** Korean words may carry particles: one that is not found counts without its last syllable. */
const hasWords = (text: string, words: string): boolean =>
  containsAllWords(text, splitWords(words)) ||
  containsAllWords(
    text,
    splitWords(words).map((word) => word.replace(/(?<=[가-힣]{2})(?:을|를|은|는|이|가)$/u, '')),
  );

const wallOf = ({ rule, nextWall }: StoredReminder): Date | null => {
  if (nextWall !== null) return new Date(nextWall);
  return 'once' in rule ? new Date(`${rule.once.slice(0, 16)}:00Z`) : null;
};

/** `HH:MM` of all its times in a day, as far as the rule names them. */
function clocksOf(one: StoredReminder): string[] {
  const wall = wallOf(one);
  const next = wall === null ? [] : [wall.toISOString().slice(11, 16)];
  if (!('cron' in one.rule)) return next;
  const [minute = '', hours = ''] = one.rule.cron.split(' ');
  if (!/^\d+$/.test(minute) || !/^[\d,]+$/.test(hours)) return next;
  return hours.split(',').map((hour) => `${hour.padStart(2, '0')}:${minute.padStart(2, '0')}`);
}

/** 0 Monday. */
function weekdaysOf(one: StoredReminder): number[] {
  const field = 'cron' in one.rule ? (one.rule.cron.split(' ')[4] ?? '*') : '*';
  const range = /^(\d)-(\d)$/.exec(field);
  if (range !== null) {
    const [from, to] = [Number(range[1]), Number(range[2])];
    return Array.from({ length: to - from + 1 }, (_, at) => (from + at + 6) % 7);
  }
  if (/^\d(?:#.)?(?:,\d)*$/.test(field)) {
    return field.split(',').map((day) => (Number(day[0]) + 6) % 7);
  }
  if ('cron' in one.rule && /^\S+ \S+ \* \* \*$/.test(one.rule.cron)) return [0, 1, 2, 3, 4, 5, 6];
  const wall = wallOf(one);
  return wall === null ? [] : [(wall.getUTCDay() + 6) % 7];
}

const dateOf = (one: StoredReminder): string | undefined => wallOf(one)?.toISOString().slice(0, 10);
