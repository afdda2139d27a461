/** A request about reminders as a call of the schedule tool, or as one question. */
import type { LocalNow } from '#shared/calendar/civil-date';
import { type Locale, localeOf } from '#machines/texts';
import { clarifyingQuestions } from '../prompts/clarifying-questions.ts';
import type { RuleOutcome } from '../rules/rule.ts';
import { type AskedMessage, completedRequest } from './answered-question.ts';
import { readScheduleRequest } from './read-schedule-request.ts';
import type { MoveTarget, ScheduleRequest } from './schedule-request.ts';
import type { KnownWhen, UnknownWhen } from './when-types.ts';

const rule = 'schedule';

/** The parameters of `schedule.set` and `schedule.change` for a time. */
export const timeParams = ({ rule: due, start, end }: KnownWhen): Record<string, unknown> => ({
  ...due,
  ...(start === undefined ? {} : { start }),
  ...(end === undefined ? {} : { end }),
});

/** The question for a time that is missing, over or has two meanings. */
export function askWhen({ ask, text }: UnknownWhen, locale: Locale): string {
  const { reminder, dateError, timeError } = clarifyingQuestions(locale);
  if (ask === 'badTime') return timeError(text);
  return ask in reminder
    ? reminder[ask as keyof typeof reminder](text)
    : dateError[ask as keyof typeof dateError](text);
}

/** The parameters of `schedule.change` for another time. */
export const targetParams = (to: MoveTarget): Record<string, unknown> =>
  'rule' in to
    ? timeParams(to.rule)
    : {
        ...(to.time === undefined ? {} : { to_time: to.time }),
        ...(to.date === undefined ? {} : { to_date: to.date }),
        ...(to.isHalfOpen === true ? { is_half_open: true } : {}),
      };

type Calls = Extract<RuleOutcome, { kind: 'calls' }>;
type Question = Extract<RuleOutcome, { kind: 'clarify' }>;

const call = (operation: string, params: Record<string, unknown>): Calls => ({
  kind: 'calls',
  rule,
  calls: [{ tool: 'schedule', operation, params }],
});
const question = (response: string): Question => ({ kind: 'clarify', rule, response });

/** Null: the message is no request about reminders. While a draft is pending, another time is a change of the draft. */
export function scheduleOutcome(
  message: string,
  context: LocalNow,
  pendingDraft: boolean,
): RuleOutcome | null {
  const request = readScheduleRequest(message, context);
  if (pendingDraft && request?.do === 'correct') return null;
  return request === null ? null : outcomeOf(request, localeOf(message));
}

/** Null: the message answers none of the questions that were asked before it. */
export function answerOutcome(
  message: string,
  asked: readonly AskedMessage[],
  context: LocalNow,
): RuleOutcome | null {
  const request = completedRequest(message, asked, context);
  return request === null ? null : outcomeOf(request, localeOf(asked[0]?.message ?? message));
}

function outcomeOf(request: ScheduleRequest, locale: Locale): RuleOutcome {
  switch (request.do) {
    case 'list':
      return call('list', {});
    case 'undo':
      return call('change', { action: 'undo', ...(request.isOfSet ? { only_set: true } : {}) });
    case 'set': {
      const { kind, text, when } = request;
      if (!when.ok) return question(askWhen(when, locale));
      const doubt = when.isDoubtful ? { confirm: true } : {};
      return call('set', { kind, text, ...timeParams(when), ...doubt });
    }
    case 'snooze': {
      const { when } = request;
      if (when === null) return call('change', { action: 'snooze' });
      if (!when.ok) return question(askWhen(when, locale));
      return call('change', { action: 'snooze', ...timeParams(when) });
    }
    case 'move': {
      const { to, which } = request;
      if (to === null) return question(clarifyingQuestions(locale).reminder.moveTo());
      return call('change', { action: 'move', ...which, ...targetParams(to) });
    }
    case 'correct': {
      const { to } = request;
      const params = { action: 'move', just_set: true, ...(to === null ? {} : targetParams(to)) };
      const correction = call('change', params);
      if (to !== null) return correction;
      // The question is asked where a reminder was just set; elsewhere the words are chat.
      return {
        ...question(clarifyingQuestions(locale).reminder.moveTo()),
        about: correction.calls,
      };
    }
    default:
      return call('change', { action: request.do, ...request.which });
  }
}
