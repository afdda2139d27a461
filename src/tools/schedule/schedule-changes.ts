/** Changes of a person's reminders: cancel, pause, resume, move, snooze, and taking the last change back. */
import type { OfferedCalls } from '#machines/job-types';
import type { Locale } from '#machines/texts';
import type { Zones } from '#shared/calendar/zoned-time';
import { minuteMs } from '#shared/calendar/time-units';
import type { CallContext, ToolAnswer } from '../tool.ts';
import { movedTiming } from './moved-timing.ts';
import { keyOf, originOf, shownWall, timingOf } from './reminder-call.ts';
import { inListOrder, isNarrowed, selectReminders } from './reminder-selection.ts';
import { listText, momentText, reminderTexts, timingText } from './reminder-texts.ts';
import type { ReminderBook, ReminderOrigin, StoredReminder } from './reminder-book.ts';
import type { ChangeParams } from './schedule-operations.ts';

export interface ChangeParts {
  book: ReminderBook;
  zones: Zones;
  undoMinutes: number;
  perUserMax: number;
}

/** One call: the parts, its parameters and who makes it. */
interface Change extends ChangeParts {
  params: ChangeParams;
  context: CallContext;
  locale: Locale;
  texts: ReturnType<typeof reminderTexts>;
}

const snoozeMinutes = 10;
/** A reminder that fired longer ago is not the one that is meant by "snooze". */
const snoozableMs = 12 * 60 * minuteMs;

const done = (...lines: string[]): Extract<ToolAnswer, { ok: true }> => ({
  ok: true,
  data: null,
  summary: lines.join('\n'),
});
/** The button that takes a change back. It is about this reminder, whatever was changed since. */
export const undoOffer = (params: { id: string; only_set?: true }): OfferedCalls => ({
  undo: { tool: 'schedule', operation: 'change', params: { action: 'undo', ...params } },
});

const dueText = ({ zones, locale }: Change, one: StoredReminder): string =>
  timingText(one, shownWall(one, zones), locale);

const openReminders = async ({ book, context }: Change): Promise<StoredReminder[]> =>
  inListOrder(await book.all(context.userId));

/** Each changes at most once per key; several matches are asked back and change nothing. */
export async function changeReminder(
  parts: ChangeParts,
  params: ChangeParams,
  context: CallContext,
): Promise<ToolAnswer> {
  const { locale } = context;
  const change: Change = { ...parts, params, context, locale, texts: reminderTexts(locale) };
  const { action } = params;
  if (action === 'undo') return undo(change);
  if (action === 'snooze') return snooze(change);
  if (action === 'move' && params.just_set === true) return correct(change);
  if (action !== 'move' && params.all === true) return changeAll(change, action);
  const open = await openReminders(change);
  const matching = concerned(selectReminders(open, params), action);
  const [found, more] = matching;
  if (found === undefined) {
    const list = listText(open, locale, (one) => shownWall(one, parts.zones));
    return done(change.texts.noMatch, ...(open.length === 0 ? [] : [list]));
  }
  if (more !== undefined) return askWhich(change, open, matching);
  return action === 'move' ? move(change, found) : changeOne(change, action, found);
}

function askWhich(
  change: Change,
  open: readonly StoredReminder[],
  found: readonly StoredReminder[],
): ToolAnswer {
  const { texts } = change;
  const lines = found.slice(0, 10).map((one) => {
    const text = texts.line(dueText(change, one), one.text, one.state === 'paused');
    return `${open.indexOf(one) + 1}. ${text}`;
  });
  return done(texts.which, ...lines);
}

async function changeOne(
  change: Change,
  action: 'cancel' | 'pause' | 'resume',
  one: StoredReminder,
): Promise<ToolAnswer> {
  const { book, context, texts, undoMinutes } = change;
  const { id, text } = one;
  switch (action) {
    case 'pause':
      await book.pause(id);
      return done(texts.paused(text));
    case 'resume':
      return done(texts.resumed(text, dueText(change, await book.resume(id))));
    case 'cancel': {
      const due = dueText(change, one);
      await book.cancel(id);
      if (!isOfHere(book, one, originOf(context))) return done(texts.cancelled(text, due));
      const answer = done(texts.cancelled(text, due), texts.cancelUndo(undoMinutes));
      return { ...answer, offers: undoOffer({ id }) };
    }
  }
}

/** Of several, those that the action changes: a paused one is not meant by "pause". All, if it changes none. */
function concerned(
  found: readonly StoredReminder[],
  action: ChangeParams['action'],
): readonly StoredReminder[] {
  if (action !== 'pause' && action !== 'resume') return found;
  const before = action === 'pause' ? 'active' : 'paused';
  const changed = found.filter(({ state }) => state === before);
  return changed.length === 0 ? found : changed;
}

async function changeAll(
  change: Change,
  action: 'cancel' | 'pause' | 'resume',
): Promise<ToolAnswer> {
  const { book, params, texts } = change;
  const open = await openReminders(change);
  const found = concerned(isNarrowed(params) ? selectReminders(open, params) : open, action);
  if (found.length === 0) return done(texts.noMatch);
  for (const { id } of found) await book[action](id);
  const head = { cancel: texts.cancelledAll, pause: texts.pausedAll, resume: texts.resumedAll };
  return done(head[action](found.length), ...found.map(({ text }) => `- ${text}`));
}

/** Another time for what was set last, in this conversation. */
async function correct(change: Change): Promise<ToolAnswer> {
  const { context, texts } = change;
  const now = Date.parse(context.now);
  const changed = await justChanged(change, originOf(context), now);
  const last = changed.find(({ state }) => state !== 'cancelled');
  return last === undefined ? done(texts.noMatch) : move(change, last);
}

async function move(change: Change, from: StoredReminder): Promise<ToolAnswer> {
  const { book, params, context, texts } = change;
  const kept = { ...from.rule, start: from.start ?? undefined, end: from.end ?? undefined };
  const isWhole = params.once !== undefined || params.cron !== undefined;
  const { to_time: time, to_date: date, is_half_open: isHalfOpen } = params;
  const moved = isWhole ? params : movedTiming(kept, { time, date, isHalfOpen });
  if (moved === kept) return done(texts.notMovable);
  const timing = timingOf(moved, { ...context, timeZone: from.zone });
  if (book.next(timing) === null) return done(texts.past);
  const before = dueText(change, from);
  const after = dueText(change, await book.move(from.id, timing));
  return done(texts.moved(from.text, before, after));
}

async function snooze(change: Change): Promise<ToolAnswer> {
  const { book, zones, params, context, locale, texts } = change;
  const origin = originOf(context);
  const fired = await book.lastFired(origin, params.id);
  const now = Date.parse(context.now);
  if (fired === null || now - fired.at > snoozableMs) return done(texts.nothingToSnooze);
  const { text, kind } = fired.reminder;
  const isGiven = params.once !== undefined || params.cron !== undefined;
  const wall = zones.toWallTime(now + snoozeMinutes * minuteMs, context.timeZone);
  const usual = { once: new Date(wall).toISOString().slice(0, 19) };
  const stored = await book.create({
    ...origin,
    ...timingOf(isGiven ? params : usual, context),
    kind,
    text,
    createdBy: 'snooze',
    idempotencyKey: keyOf(context, params),
  });
  const at = shownWall(stored, zones);
  const shown =
    at === null ? dueText(change, stored) : `${momentText(at, locale)} (${stored.zone})`;
  return {
    ...done(texts.snoozed(text, shown)),
    offers: undoOffer({ id: stored.id, only_set: true }),
  };
}

const changedAt = (one: StoredReminder): number =>
  one.state === 'cancelled' ? one.updatedAt : one.createdAt;

/** Whether it was set in this conversation: only such a reminder can be taken back or restored by the plain word. */
const isOfHere = (
  { conversationOf }: Pick<ReminderBook, 'conversationOf'>,
  one: StoredReminder,
  origin: ReminderOrigin,
): boolean =>
  conversationOf(one) === conversationOf(origin) &&
  (one.createdBy === 'chat' || one.createdBy === 'snooze');

/** What was set or cancelled in this conversation within the last minutes, the last change first. */
async function justChanged(
  { book, undoMinutes }: Pick<ChangeParts, 'book' | 'undoMinutes'>,
  origin: ReminderOrigin,
  now: number,
): Promise<StoredReminder[]> {
  return (await book.all(origin.userId))
    .filter((one) => isOfHere(book, one, origin))
    .filter((one) => one.state !== 'done' && changedAt(one) >= now - undoMinutes * minuteMs)
    .toSorted((a, b) => changedAt(b) - changedAt(a) || (a.id < b.id ? 1 : -1));
}

/**
 * Whether the plain word is meant for a reminder; elsewhere it is ordinary chat. Read from what is stored.
 *
 * @param isSet only for one that was set, and is not cancelled
 */
export const hasJustChanged = async (
  parts: Pick<ChangeParts, 'book' | 'undoMinutes'>,
  origin: ReminderOrigin,
  now: number,
  isSet: boolean,
): Promise<boolean> =>
  (await justChanged(parts, origin, now)).some(({ state }) => !isSet || state !== 'cancelled');

/** Of this conversation: cancels what was set last, or restores what was cancelled last. */
async function undo(change: Change): Promise<ToolAnswer> {
  const { book, params, context, texts } = change;
  const origin = originOf(context);
  const now = Date.parse(context.now);
  const changed = await justChanged(change, origin, now);
  const last = params.id === undefined ? changed[0] : changed.find(({ id }) => id === params.id);
  // A call that is repeated after a crash finds what it has cancelled itself.
  if (last?.state === 'cancelled' && context.isRepeat === true && last.updatedAt >= now) {
    return done(texts.undone(last.text));
  }
  if (last === undefined || (params.only_set === true && last.state === 'cancelled')) {
    return done(texts.nothingToUndo);
  }
  if (last.state !== 'cancelled') {
    await book.cancel(last.id);
    return done(texts.undone(last.text));
  }
  const { channel, thread, rule, zone, start, end, count, settled, kind, text, createdBy } = last;
  const restored = await book.create({
    userId: origin.userId,
    channel,
    thread,
    rule,
    zone,
    start,
    end,
    kind,
    text,
    createdBy,
    count: count === null ? null : Math.max(1, count - settled),
    // A reminder is restored once, by the word or by the button.
    idempotencyKey: `restored ${last.id}`,
  });
  if (restored.state === 'cancelled') return done(texts.nothingToUndo);
  return done(texts.restored(text, dueText(change, restored)));
}
