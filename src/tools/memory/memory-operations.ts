/** The operations of the memory: parameters, and texts for models. */
import { z } from 'zod';
import type { Resolver } from '#language/classification/operation-port';
import { ownWords } from '#language/memory/read-memory-request';
import { clarifyingQuestions } from '#language/prompts/clarifying-questions';
import { asString, clarify } from '#language/rules/resolution-context';
import { lineParam, param, textParam } from '../param-schemas.ts';

export const memoryLabel = { ko: '기억', en: 'memory' };

const keepParams = z.object({
  text: param(lineParam(2_000), 'the fact', '내용', 'text'),
  /** No rule has understood the message. */
  confirm: z.boolean().optional(),
});
export type KeepParams = z.output<typeof keepParams>;

const forgetParams = z.object({
  words: param(lineParam(500).optional(), 'words of the fact', '낱말', 'words'),
  index: z.int().min(1).optional(),
  all: z.boolean().optional(),
  last: z.boolean().optional(),
  /** That of a button. */
  id: z.string().optional(),
  confirm: z.boolean().optional(),
  /** Those that the draft has shown. */
  ids: z.array(z.string()).max(100).optional(),
  /** With `all`: those that were told until then, epoch ms. */
  until: z.number().optional(),
});
export type ForgetParams = z.output<typeof forgetParams>;

/** What a model gives: a part of the message. */
const keepWords = z.object({
  text: param(textParam, 'the part of the message to remember, word by word', '내용', 'text'),
});
const forgetWords = z.object({
  words: param(textParam.optional(), 'words of the fact', '낱말', 'words'),
});

/** Only the person's own words of this message are ever kept, whatever a model answers. */
const resolveKeep: Resolver = (params, { message, locale }) => {
  const text = ownWords(asString(params['text']), message);
  if (text === null) return clarify(clarifyingQuestions(locale).fact);
  return { ok: true, params: { text, confirm: true } };
};

const resolveForget: Resolver = (params) => {
  const words = asString(params['words']);
  return { ok: true, params: { ...(words === '' ? {} : { words }), confirm: true } };
};

export const memoryOperations = {
  keep: {
    effect: 'revocable',
    description:
      "keeps a fact in the person's own words; at once and to be taken back if a rule has understood the message, else after a yes",
    schema: keepParams,
    writes: 'keep_confirmed',
    classifier: {
      summary:
        '사용자가 기억해 달라고 한 사실을 기억. text에는 마지막 메시지의 말을 바꾸지 말고 그대로 옮긴다',
      words: keepWords,
      resolve: resolveKeep,
    },
  },
  list: {
    effect: 'reads',
    description: 'lists what the person has asked to remember',
    schema: z.object({}),
    classifier: { summary: '기억하고 있는 사실 목록' },
  },
  forget: {
    effect: 'revocable',
    description:
      'forgets a fact for good: at once if the message names exactly one, after a yes if it gives a number, means all, or no rule has understood it; asks which one if several match',
    schema: forgetParams,
    writes: 'forget_confirmed',
    classifier: {
      summary: '기억하고 있는 사실을 잊기',
      words: forgetWords,
      resolve: resolveForget,
    },
  },
  keep_confirmed: {
    effect: 'writes',
    description: 'keeps the fact; only after its owner’s confirmation',
    schema: keepParams,
  },
  forget_confirmed: {
    effect: 'writes',
    description: 'forgets the facts that the draft shows; only after their owner’s confirmation',
    schema: forgetParams,
  },
} as const;
