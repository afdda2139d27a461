/** The assistant's language: rules, prompts and readers of src/routing, as its effects and its door use them. */
import type { ChatMessage, ModelRequest } from '../contract/model.ts';
import {
  classificationSchemaOf,
  classifierMessages,
  reaskMessages,
  standardOffers,
} from '../routing/classification-prompt.ts';
import { readClassification } from '../routing/classification.ts';
import { toDecision } from '../routing/classification-decision.ts';
import { isUnclearAnswer } from '../routing/consent.ts';
import { readDraftEdit } from '../routing/draft-edit.ts';
import { plainAnswer, plainAnswerEnd } from '../routing/plain-answer.ts';
import type { HomeWords } from '../routing/home-words.ts';
import { answerMessages, reasonerMessages, wordingMessages } from '../routing/prompts.ts';
import { route } from '../routing/route.ts';
import type { DraftReply } from './door.ts';
import type { Language, PromptInput } from './effects.ts';

export interface LanguageOptions {
  /** IANA name: the zone of "today" and "at three". */
  timeZone: string;
  /** Whether a tool is configured; only these are offered to the classifier. Left out: all are. */
  hasTool?: (tool: string) => boolean;
  /** Words of this home for its mail folders and model servers. */
  home?: HomeWords;
}

/** A little warmth for answers; wording a tool's result must stay with the facts. */
const answerTemperature = 0.6;
const wordTemperature = 0.2;

export function createLanguage({
  timeZone,
  hasTool = () => true,
  home = {},
}: LanguageOptions): Language & {
  readReply(message: string, nowMs: number): DraftReply | null;
} {
  const tools = standardOffers.filter(({ tool }) => hasTool(tool));
  const jsonSchema = classificationSchemaOf(tools);
  const promptOf = ({ message, history, now }: PromptInput) => ({
    message,
    history: history as ChatMessage[],
    now: Date.parse(now),
    timeZone,
  });
  const classification = (messages: ChatMessage[]): ModelRequest => ({ messages, jsonSchema });
  const rules = (message: string, now: number, pendingDraft: boolean) =>
    route(message, { ...home, now, timeZone, pendingDraft });

  return {
    now: isoClock(timeZone),

    route(message, now) {
      const result = rules(message, Date.parse(now), false);
      return result.kind === 'decision' ? result.decision : null;
    },

    classify: (input) => classification(classifierMessages({ ...promptOf(input), tools })),

    reask: (input, raw) =>
      classification(reaskMessages(classifierMessages({ ...promptOf(input), tools }), raw)),

    readDecision(raw, { message, now }) {
      const read = readClassification(raw);
      const context = { message, now: Date.parse(now), timeZone, mailFolders: home.mailFolders };
      return read === null ? null : toDecision(read, context);
    },

    reason: (input) => ({
      messages: reasonerMessages(promptOf(input)),
      temperature: answerTemperature,
    }),

    answer: (input) => ({
      messages: answerMessages(promptOf(input)),
      temperature: answerTemperature,
      thinking: false,
    }),

    word: ({ message, now, results }) => ({
      messages: wordingMessages({
        message,
        result: JSON.stringify(
          results.map(({ tool, operation, summary, data }) => ({ tool, operation, summary, data })),
        ),
        now: Date.parse(now),
        timeZone,
      }),
      temperature: wordTemperature,
      thinking: false,
    }),

    plainAnswer,
    plainAnswerEnd,

    readReply(message, nowMs) {
      const result = rules(message, nowMs, true);
      if (result.kind === 'confirm' || result.kind === 'reject') return { type: result.kind };
      if (result.kind === 'decision') return null;
      const changes = readDraftEdit(message, { now: nowMs, timeZone });
      if (changes !== null) return { type: 'edit', changes: { ...changes } };
      return isUnclearAnswer(message) ? { type: 'unclear' } : null;
    },
  };
}

/** ISO 8601 with the zone's own offset, to the second. */
function isoClock(timeZone: string): (atMs: number) => string {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    dateStyle: 'short',
    timeStyle: 'medium',
  });
  return (atMs) => {
    const local = format.format(atMs).replace(' ', 'T');
    const wholeSecond = Math.floor(atMs / 1000) * 1000;
    const minutes = Math.round((Date.parse(`${local}Z`) - wholeSecond) / 60_000);
    const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
    const offset = `${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
    return `${local}${minutes < 0 ? '-' : '+'}${offset}`;
  };
}
