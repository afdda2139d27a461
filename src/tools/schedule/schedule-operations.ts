/** The operations of reminders: parameters, texts for models, and how a model's words become a time. */
import { z } from 'zod';
import type { Resolver } from '#language/classification/operation-port';
import { asString, clarify, type ResolutionContext } from '#language/rules/resolution-context';
import { normalizeForRules } from '#language/normalize-text';
import { maskText, marksIn, selectTimes } from '#language/schedules/masked-text';
import { moveTarget } from '#language/schedules/move-target';
import { askWhen, targetParams, timeParams } from '#language/schedules/schedule-outcome';
import { readWhen } from '#language/schedules/when';
import type { When } from '#language/schedules/when-types';
import { clarifyingQuestions } from '#language/prompts/clarifying-questions';
import { lineParam, param, textParam } from '../param-schemas.ts';

export const scheduleLabel = { ko: '알림', en: 'reminders' };

const wall = z.string().regex(/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2})?$/);
const timing = {
  once: param(wall.optional(), 'the time, YYYY-MM-DDTHH:MM', '시각', 'time'),
  repeated: z.literal('second').optional(),
  cron: param(z.string().max(200).optional(), 'five fields', '반복', 'repetition'),
  every: z
    .strictObject({ n: z.int().min(2).max(366), unit: z.enum(['day', 'week', 'month']) })
    .optional(),
  start: param(wall.optional(), 'first time', '시작', 'start'),
  end: param(wall.optional(), 'last time', '끝', 'end'),
};

const setParams = z.object({
  kind: z.enum(['reminder', 'prompt', 'digest']).default('reminder'),
  text: param(lineParam(500), 'text', '내용', 'text'),
  ...timing,
  /** The words had a second meaning. */
  confirm: z.boolean().optional(),
});
export type SetParams = z.output<typeof setParams>;

const actions = ['cancel', 'pause', 'resume', 'move', 'snooze', 'undo'] as const;

const changeParams = z.object({
  action: z.enum(actions),
  words: param(lineParam(200).optional(), 'words of its text', '낱말', 'words'),
  times: z.array(z.string()).max(8).optional(),
  weekdays: z.array(z.int().min(0).max(6)).max(7).optional(),
  date: z.string().optional(),
  index: z.int().optional(),
  all: z.boolean().optional(),
  last: z.boolean().optional(),
  /** With `undo` and `snooze`: this one, that of a button. */
  id: z.string().optional(),
  ...timing,
  to_time: z.string().optional(),
  to_date: z.string().optional(),
  is_half_open: z.boolean().optional(),
  /** With `move`: the one that was set just before, in this conversation. */
  just_set: z.boolean().optional(),
  /** With `undo`: takes back what was set, and restores nothing. */
  only_set: z.boolean().optional(),
});
export type ChangeParams = z.output<typeof changeParams>;

/** What a model gives: words of the message. It never computes a time. */
const setWords = z.object({
  what: param(textParam, 'what to be reminded of', '내용', 'what'),
  when: param(textParam, "the user's own words for the time", '시각', 'when'),
});
const changeWords = z.object({
  action: z.enum(['cancel', 'pause', 'resume', 'move', 'snooze']),
  which: param(textParam.optional(), 'words that name it', '알림', 'reminder'),
  when: param(textParam.optional(), "the user's own words for the new time", '시각', 'when'),
});

const clauseOf = (message: string, { now, timeZone }: ResolutionContext) => {
  const text = normalizeForRules(message);
  return { text, cased: text, context: { now, timeZone } };
};

/** An instant in place of words: a model has computed it. */
const computed = /\d{4}-\d{1,2}-\d{1,2}|T\d{2}:\d{2}/;

/** The time in the model's words if they are words, else in those of the message. */
function whenIn(words: string, context: ResolutionContext): When | null {
  const own = normalizeForRules(context.message);
  const named = normalizeForRules(words);
  const isOwn = own.replaceAll(' ', '').includes(named.replaceAll(' ', ''));
  if (named !== '' && (isOwn || !computed.test(words))) return readWhen(named, context);
  const mask = maskText(clauseOf(context.message, context));
  const spans = Array.from(mask.masked).flatMap((char, at) =>
    marksIn(char).length > 0 ? [mask.lower(at, at + 1)] : [],
  );
  return spans.length === 0 ? null : readWhen(spans.join(' '), context);
}

const resolveSet: Resolver = (params, context) => {
  const when = whenIn(asString(params['when']), context);
  const { reminder } = clarifyingQuestions(context.locale);
  if (when === null) return clarify(reminder.when());
  if (!when.ok) return clarify(askWhen(when, context.locale));
  const text = asString(params['what']).trim() || scheduleLabel[context.locale];
  // No rule has understood the whole message: the user sees the time before it is set.
  return { ok: true, params: { kind: 'reminder', text, ...timeParams(when), confirm: true } };
};

const resolveChange: Resolver = (params, context) => {
  const action = actions.find((one) => one === params['action']) ?? 'cancel';
  const which = asString(params['which']);
  const clause = clauseOf(which, context);
  const mask = maskText(clause);
  const words = Array.from(mask.masked)
    .filter((char) => marksIn(char).length === 0)
    .join('')
    .replace(/알림|알람|리마인더|\breminders?\b|\balarms?\b|\bthe\b|\bmy\b/gu, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  const selected = { ...selectTimes(clause.text, clause), ...(words === '' ? {} : { words }) };
  const when = asString(params['when']);
  if (action === 'move') {
    const to = moveTarget(normalizeForRules(when), context);
    if (to === null) return clarify(clarifyingQuestions(context.locale).reminder.moveTo());
    return { ok: true, params: { action, ...selected, ...targetParams(to) } };
  }
  if (action !== 'snooze' || when === '') return { ok: true, params: { action, ...selected } };
  const read = whenIn(when, context);
  if (read?.ok !== true) {
    const { reminder } = clarifyingQuestions(context.locale);
    return clarify(read === null ? reminder.when() : askWhen(read, context.locale));
  }
  return { ok: true, params: { action, ...timeParams(read) } };
};

export const scheduleOperations = {
  set: {
    effect: 'revocable',
    description:
      "sets a reminder, a message that is run at its time, or a digest; a single time that was understood whole is set at once and can be taken back, others wait for the user's confirmation (`schedules.confirm`)",
    schema: setParams,
    writes: 'set_confirmed',
    classifier: {
      summary: '알림 예약. when에는 사용자가 쓴 시간 표현을 계산하지 말고 그대로 옮긴다',
      words: setWords,
      examples: [
        {
          message: '담주 화욜 저녁 7시쯤 재활용 내놓는 거 까먹지 않게 톡 줘',
          params: { what: '재활용 내놓기', when: '담주 화욜 저녁 7시' },
        },
      ],
      resolve: resolveSet,
    },
  },
  list: {
    effect: 'reads',
    description: "lists the user's reminders and schedules",
    schema: z.object({}),
    classifier: { summary: '예약된 알림 목록' },
  },
  change: {
    effect: 'revocable',
    description:
      'cancels, pauses, resumes, moves or snoozes a reminder, or takes the last change back; asks which one if several match',
    schema: changeParams,
    writes: null,
    classifier: {
      summary: '예약된 알림 취소·중지·재개·시각 변경·다시 알림',
      words: changeWords,
      resolve: resolveChange,
    },
  },
  set_confirmed: {
    effect: 'writes',
    description: 'sets the schedule; only after its owner’s confirmation',
    schema: setParams,
  },
} as const;
