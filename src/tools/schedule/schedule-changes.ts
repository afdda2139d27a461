/** Changes of a person's reminders: cancel, pause, resume, move, snooze, and taking the last change back. */
import type { Zones } from '#shared/calendar/zoned-time';
import { minuteMs } from '#shared/calendar/time-units';
import type { CallContext, ToolAnswer } from '../tool.ts';
import { movedTiming } from './moved-timing.ts';
import { inListOrder, isNarrowed, selectReminders } from './reminder-selection.ts';
import { listText, momentText, reminderTexts, timingText } from './reminder-texts.ts';
import type { ReminderBook, StoredReminder } from './reminder-book.ts';
import type { ChangeParams } from './schedule-operations.ts';
import { keyOf, originOf, shownWall, timingOf } from './reminder-call.ts';

export interface ChangeParts {
  book: ReminderBook;
  zones: Zones;
  undoMinutes: number;
  perUserMax: number;
}

const snoozeMinutes = 10;
/** A reminder that fired longer ago is not the one that is meant by "snooze". */
const snoozableMs = 12 * 60 * minuteMs;

export function createChanges(parts: ChangeParts, context: CallContext) {
  const { book, zones } = parts;
  const { locale } = context;
  const texts = reminderTexts(locale);
  const done = (summary: string): ToolAnswer => ({ ok: true, data: null, summary });
  const due = (one: StoredReminder): string => timingText(one, shownWall(one, zones), locale);
  const ask = (all: readonly StoredReminder[], open: readonly StoredReminder[]): ToolAnswer => {
    const lines = all.slice(0, 10).map((one) => {
      const text = texts.line(due(one), one.text, one.state === 'paused');
      return `${open.indexOf(one) + 1}. ${text}`;
    });
    return done([texts.which, ...lines].join('\n'));
  };

  /** The one reminder that is meant; else the answer. */
  const one = async (params: ChangeParams): Promise<StoredReminder | ToolAnswer> => {
    const open = inListOrder(await book.all(context.userId));
    const found = selectReminders(open, params);
    const [only, more] = found;
    if (only === undefined) {
      return done([texts.noMatch, listText(open, locale, (at) => shownWall(at, zones))].join('\n'));
    }
    return more === undefined ? only : ask(found, open);
  };

  const cancelAll = async (params: ChangeParams): Promise<ToolAnswer> => {
    const open = inListOrder(await book.all(context.userId));
    const found = isNarrowed(params) ? selectReminders(open, params) : open;
    if (found.length === 0) return done(texts.noMatch);
    for (const each of found) await book.cancel(each.id);
    return done(texts.cancelledAll(found.length));
  };

  const move = async (params: ChangeParams, from: StoredReminder): Promise<ToolAnswer> => {
    const before = due(from);
    const { rule } = from;
    const kept = { ...rule, start: from.start ?? undefined, end: from.end ?? undefined };
    const isWhole = params.once !== undefined || params.cron !== undefined;
    const moved = isWhole
      ? params
      : movedTiming(kept, {
          time: params.to_time,
          date: params.to_date,
          isHalfOpen: params.is_half_open,
        });
    if (!isWhole && moved === kept) return done(texts.notMovable);
    const timing = timingOf(moved, { ...context, timeZone: from.zone });
    if (book.next({ ...timing, count: null }) === null) return done(texts.past);
    return done(texts.moved(from.text, before, due(await book.move(from.id, timing))));
  };

  const snooze = async (params: ChangeParams): Promise<ToolAnswer> => {
    const origin = originOf(context);
    const fired = await book.lastFired(origin);
    const now = Date.parse(context.now);
    if (fired === null || now - fired.at > snoozableMs) return done(texts.nothingToSnooze);
    const { text, kind, zone } = fired.reminder;
    const given = params.once !== undefined || params.cron !== undefined;
    const wall = zones.toWallTime(now + snoozeMinutes * minuteMs, zone);
    const usual = { once: new Date(wall).toISOString().slice(0, 19) };
    const stored = await book.create({
      ...origin,
      ...timingOf(given ? params : usual, context),
      kind,
      text,
      createdBy: 'snooze',
      idempotencyKey: keyOf(context, params),
    });
    const at = shownWall(stored, zones);
    const shown = at === null ? due(stored) : `${momentText(at, locale)} (${stored.zone})`;
    return { ok: true, data: null, summary: texts.snoozed(text, shown), offers: ['undo'] };
  };

  const undo = async ({ only_set: isOfSet = false }: ChangeParams): Promise<ToolAnswer> => {
    const { userId, channel, thread } = originOf(context);
    const now = Date.parse(context.now);
    const since = now - parts.undoMinutes * minuteMs;
    const changedAt = (each: StoredReminder): number =>
      each.state === 'cancelled' ? each.updatedAt : each.createdAt;
    const [last] = (await book.all(userId))
      .filter((each) => each.channel === channel && each.thread === thread)
      .filter((each) => each.createdBy === 'chat' || each.createdBy === 'snooze')
      .filter((each) => each.state !== 'done' && changedAt(each) >= since)
      .toSorted((a, b) => changedAt(b) - changedAt(a) || (a.id < b.id ? 1 : -1));
    // A call that is repeated after a crash finds what it has cancelled itself.
    if (last?.state === 'cancelled' && context.isRepeat === true && last.updatedAt >= now) {
      return done(texts.undone(last.text));
    }
    if (last === undefined || (isOfSet && last.state === 'cancelled')) {
      return done(texts.nothingToUndo);
    }
    if (last.state !== 'cancelled') {
      await book.cancel(last.id);
      return done(texts.undone(last.text));
    }
    const { rule, zone, start, end, count, settled, kind, text, createdBy } = last;
    const restored = await book.create({
      ...{ userId, channel, thread, rule, zone, start, end, kind, text, createdBy },
      count: count === null ? null : Math.max(1, count - settled),
      idempotencyKey: keyOf(context, last.id),
    });
    return done(texts.restored(text, due(restored)));
  };

  return {
    async run(params: ChangeParams): Promise<ToolAnswer> {
      const { action } = params;
      if (action === 'undo') return undo(params);
      if (action === 'snooze') return snooze(params);
      if (action === 'cancel' && params.all === true) return cancelAll(params);
      const found = await one(params);
      if ('ok' in found) return found;
      switch (action) {
        case 'pause':
          await book.pause(found.id);
          return done(texts.paused(found.text));
        case 'resume': {
          const resumed = await book.resume(found.id);
          return done(texts.resumed(found.text, due(resumed)));
        }
        case 'move':
          return move(params, found);
        default: {
          const at = due(found);
          await book.cancel(found.id);
          const summary = [texts.cancelled(found.text, at), texts.cancelUndo(parts.undoMinutes)];
          return { ok: true, data: null, summary: summary.join('\n'), offers: ['undo'] };
        }
      }
    },
  };
}
