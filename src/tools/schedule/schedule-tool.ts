/**
 * The tool of reminders: sets, lists and changes what the person has asked to be reminded of.
 *
 * 1. A single time that was understood whole is set at once and can be taken back; others wait for a yes (P10).
 * 2. Every answer says the absolute time, the weekday and the zone.
 * 3. Each call changes at most once per key: a repeated call finds what the first one did.
 */
import { asString } from '#language/rules/resolution-context';
import type { WallMs } from '#shared/calendar/zoned-time';
import { orToolError, toolError } from '../tool-texts.ts';
import type { ToolParts } from '../tool-declaration.ts';
import {
  readOperation,
  revocableOperation,
  writeOperation,
  type CallContext,
  type Tool,
  type ToolAnswer,
  type ToolError,
} from '../tool.ts';
import { changeReminder, type ChangeParts, hasJustChanged, undoOffer } from './schedule-changes.ts';
import { inListOrder } from './reminder-selection.ts';
import { listText, momentText, reminderTexts, timingText } from './reminder-texts.ts';
import type { NewReminder, ReminderTiming } from './reminder-book.ts';
import { keyOf, originOf, shownWall, timingOf } from './reminder-call.ts';
import { movedTiming } from './moved-timing.ts';
import { scheduleLabel, scheduleOperations, type SetParams } from './schedule-operations.ts';

/** How long the plain word takes back what was set or cancelled last. */
export const undoMinutes = 10;

export function openSchedule({ reminders: book, settings, zones }: ToolParts): Tool {
  const { confirm = 'recurring', perUserMax = 0 } = settings.schedules ?? {};
  const parts: ChangeParts = { book, zones, undoMinutes, perUserMax };

  const mustConfirm = (params: SetParams): boolean => {
    if (confirm === 'always' || params.confirm === true) return true;
    return confirm === 'recurring' && params.once === undefined;
  };
  const guarded = <Answer>(
    { locale }: CallContext,
    work: (open: ChangeParts) => Promise<Answer>,
  ): Promise<Answer | ToolError> => {
    const texts = reminderTexts(locale);
    const sentences = {
      GH_SCHEDULE_LIMIT: texts.limit(perUserMax),
      GH_SCHEDULE_INVALID: texts.past,
      GH_SCHEDULE_CONFLICT: texts.noMatch,
      GH_SCHEDULE_NOT_FOUND: texts.noMatch,
    };
    return orToolError(sentences, () => work(parts));
  };

  return {
    name: 'schedule',
    label: scheduleLabel,
    isMeant: (_, { action, just_set: isCorrection }, { now, ...origin }) =>
      (action !== 'undo' && isCorrection !== true) ||
      hasJustChanged(parts, origin, Date.parse(now), isCorrection === true),
    uncertain: { ko: reminderTexts('ko').uncertain, en: reminderTexts('en').uncertain },
    operations: {
      set: revocableOperation({
        ...scheduleOperations.set,
        run: (params, context) =>
          guarded(context, async (open) =>
            mustConfirm(params)
              ? { ok: true, needsConfirmation: true }
              : set(params, context, open),
          ),
      }),
      list: readOperation({
        ...scheduleOperations.list,
        run: (_, context) => guarded(context, (open) => list(context, open)),
      }),
      change: revocableOperation({
        ...scheduleOperations.change,
        run: (params, context) => guarded(context, (open) => changeReminder(open, params, context)),
      }),
      set_confirmed: writeOperation({
        ...scheduleOperations.set_confirmed,
        merge: mergeChanges,
        propose: (params, context) =>
          guarded(context, async ({ book: open, zones: clocks }) => {
            const timing = timingOf(params, context);
            const next = open.next(timing);
            const texts = reminderTexts(context.locale);
            if (next === null) return toolError('GH_TOOL_INPUT', 'the time is over', texts.past);
            const wall = clocks.toWallTime(next, timing.zone);
            const at = timingText(timing, wall, context.locale);
            const kind = texts.kinds[params.kind];
            const notes = notesOf(params, timing, wall, context);
            const summary = [texts.draft(kind, params.text, at), ...notes].join('\n');
            return { ok: true, params: { ...params, title: params.text }, data: params, summary };
          }),
        execute: (params, context) => guarded(context, (open) => set(params, context, open)),
      }),
    },
  };
}

async function set(
  params: SetParams,
  context: CallContext,
  { book, zones }: ChangeParts,
): Promise<ToolAnswer> {
  const { locale } = context;
  const texts = reminderTexts(locale);
  const reminder: NewReminder = {
    ...originOf(context),
    ...timingOf(params, context),
    kind: params.kind,
    text: params.text,
    createdBy: 'chat',
    idempotencyKey: keyOf(context, params),
  };
  const stored = await book.create(reminder);
  const wall = shownWall(stored, zones);
  const notes = notesOf(params, stored, wall, context);
  const head =
    params.once === undefined || wall === null
      ? texts.every(texts.kinds[params.kind], stored.text, timingText(stored, wall, locale))
      : texts.set(stored.text, `${momentText(wall, locale)} (${stored.zone})`);
  const summary = [head, ...notes, texts.setUndo(undoMinutes)].join('\n');
  return { ok: true, data: null, summary, offers: undoOffer({ id: stored.id, only_set: true }) };
}

function notesOf(
  { once, cron = '' }: SetParams,
  timing: ReminderTiming,
  wall: WallMs | null,
  { locale }: CallContext,
): string[] {
  const texts = reminderTexts(locale);
  const days = (cron.split(' ')[2] ?? '').split(',').map(Number);
  if (cron !== '' && days.some((day) => day > 28)) return [texts.shortMonths];
  const isInGap =
    once !== undefined && wall !== null && !new Date(wall).toISOString().startsWith(once);
  return isInGap ? [texts.inGap(momentText(wall, locale))] : [];
}

async function list(context: CallContext, { book, zones }: ChangeParts): Promise<ToolAnswer> {
  const open = inListOrder(await book.all(context.userId));
  const summary = listText(open, context.locale, (one) => shownWall(one, zones));
  return { ok: true, data: null, summary };
}

/** A change to the draft: its text, its time or its day. */
function mergeChanges(
  params: Record<string, unknown>,
  changes: Record<string, unknown>,
): Record<string, unknown> {
  const text = asString(changes['title']) || asString(params['text']);
  const open = changes['open'];
  const timing = movedTiming(params, {
    time: asString(changes['time']) || undefined,
    date: asString(changes['date']) || undefined,
    isHalfOpen: Array.isArray(open) && open.includes('time'),
  });
  return { ...params, ...timing, text };
}
