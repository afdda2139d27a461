/**
 * The tool of the memory: keeps, lists and forgets what the person has asked to remember.
 *
 * 1. A fact is a part of the person's own message. What a model gives is compared with the message, and waits for a yes.
 * 2. Nothing is forgotten that the message does not name alone: several matches are asked back, a number and "all" are shown
 *    and wait for a yes (P10), because forgetting cannot be taken back.
 * 3. An answer after the forgetting has no words of the fact.
 */
import { doorChannel } from '#shared/wire/conversation';
import { minuteMs } from '#shared/calendar/time-units';
import type { ToolParts } from '../tool-declaration.ts';
import { orToolError, toolError } from '../tool-texts.ts';
import {
  readOperation,
  revocableOperation,
  writeOperation,
  type CallContext,
  type Proposal,
  type RevocableAnswer,
  type Tool,
  type ToolAnswer,
} from '../tool.ts';
import type { FactBook, RememberedFact } from './fact-book.ts';
import {
  memoryLabel,
  memoryOperations,
  type ForgetParams,
  type KeepParams,
} from './memory-operations.ts';
import { memoryTexts } from './memory-texts.ts';
import { selectFacts } from './fact-selection.ts';

/** How long "forget that" means what was kept last. */
export const undoMinutes = 10;

/** The time of a call is in whole seconds. */
const nowStepMs = 999;

const textCharsMax = 500;
const listedMax = 20;
const askedMax = 10;

export function openMemory({ facts: book, settings }: ToolParts): Tool {
  const perUserMax = settings.memory?.perUserMax ?? 0;
  const guarded = <Answer>({ locale }: CallContext, work: () => Promise<Answer>) => {
    const texts = memoryTexts(locale);
    const sentences = {
      GH_MEMORY_LIMIT: texts.limit(perUserMax),
      GH_MEMORY_INVALID: texts.tooShort,
    };
    return orToolError(sentences, work);
  };

  return {
    name: 'memory',
    label: memoryLabel,
    uncertain: { ko: memoryTexts('ko').uncertain, en: memoryTexts('en').uncertain },
    isMeant: (_, { last }, place) =>
      last !== true || justKept(book, place, place.now).then((found) => found !== null),
    operations: {
      keep: revocableOperation({
        ...memoryOperations.keep,
        run: (params, context) =>
          guarded(context, async () =>
            params.confirm === true || isOfModel(context)
              ? needsConfirmation
              : keep(book, params, context),
          ),
      }),
      list: readOperation({
        ...memoryOperations.list,
        run: (_, context) => guarded(context, () => list(book, context)),
      }),
      forget: revocableOperation({
        ...memoryOperations.forget,
        run: (params, context) => guarded(context, () => forget(book, params, context)),
      }),
      keep_confirmed: writeOperation({
        ...memoryOperations.keep_confirmed,
        merge: (params, { title }) => ({
          ...params,
          ...(typeof title === 'string' && title !== '' ? { text: title } : {}),
        }),
        propose: async (params, context) => ({
          ok: true,
          params: { ...params, title: params.text },
          data: params,
          summary: memoryTexts(context.locale).draftKeep(params.text),
        }),
        execute: (params, context) => guarded(context, () => keep(book, params, context)),
      }),
      forget_confirmed: writeOperation({
        ...memoryOperations.forget_confirmed,
        merge: (params) => params,
        propose: (params, context) => guarded(context, () => proposeForget(book, params, context)),
        execute: (params, context) =>
          guarded(context, async () => {
            const found = await meant(book, params, context.userId);
            return forgetAll(book, found.map(idOf), context);
          }),
      }),
    },
  };
}

/** A model wrote the message: the person sees what it wants to change, and says yes elsewhere. */
const isOfModel = ({ origin }: CallContext): boolean => origin?.channel === doorChannel;

const needsConfirmation = { ok: true, needsConfirmation: true } as const;

const done = (...lines: string[]): Extract<ToolAnswer, { ok: true }> => ({
  ok: true,
  data: null,
  summary: lines.join('\n'),
});

const dateOf = (at: number, timeZone: string): string =>
  new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short' }).format(at);

async function keep(
  book: FactBook,
  { text }: KeepParams,
  { userId, origin, jobId, key, locale }: CallContext,
): Promise<ToolAnswer> {
  const texts = memoryTexts(locale);
  if (text.length > textCharsMax) {
    return toolError('GH_MEMORY_INVALID', 'the text is too long', texts.tooLong(textCharsMax));
  }
  const channel = origin?.channel ?? null;
  const told = { userId, text, channel, jobId: jobId ?? null, key: `chat ${key} ${text}` };
  const { fact, isNew } = await book.keep(told);
  if (fact.text === '') return done(texts.gone);
  if (!isNew) return done(texts.known(fact.text));
  const [similar] = await book.similarTo(fact.id);
  const lines = similar === undefined ? [] : [texts.similar(similar.text)];
  const undo = { tool: 'memory', operation: 'forget', params: { id: fact.id } };
  return {
    ...done(texts.kept(fact.text), ...lines, texts.keptUndo(undoMinutes)),
    offers: { undo },
  };
}

async function list(
  book: FactBook,
  { userId, locale, timeZone }: CallContext,
): Promise<ToolAnswer> {
  const texts = memoryTexts(locale);
  const count = await book.count(userId);
  if (count === 0) return done(texts.none);
  const newest = await book.newest(userId, listedMax);
  const lines = newest.map((one, at) => `${at + 1}. ${lineOf(one, timeZone)}`);
  const more = count > newest.length ? [texts.more(count - newest.length)] : [];
  return done(texts.list(count), ...lines, ...more);
}

const lineOf = ({ text, createdAt }: RememberedFact, timeZone: string): string =>
  `${text} (${dateOf(createdAt, timeZone)})`;

/** The fact that was told last here, if that is not long ago. */
const justKept = (book: FactBook, origin: Parameters<FactBook['last']>[0], now: string) =>
  book.last(origin, Date.parse(now) - undoMinutes * minuteMs);

async function forget(
  book: FactBook,
  params: ForgetParams,
  context: CallContext,
): Promise<RevocableAnswer> {
  const { userId, locale, origin, now } = context;
  const texts = memoryTexts(locale);
  if (params.id !== undefined) {
    const found = await book.find(userId, params.id);
    if (found !== null) return forgetAll(book, [found.id], context);
    return done(context.isRepeat === true ? texts.forgotten(1) : texts.nothingJustKept);
  }
  if (params.last === true) {
    const last = await justKept(book, { channel: '', ...origin, userId }, now);
    return last === null ? done(texts.nothingJustKept) : forgetAll(book, [last.id], context);
  }
  if (params.all === true || params.index !== undefined) {
    const found = await meant(book, params, userId);
    return found.length > 0 ? needsConfirmation : whichOne(book, { words: '' }, context);
  }
  const { words = '' } = params;
  const found = words === '' ? [] : selectFacts(await book.fitting(userId, words), words);
  const [only, more] = found;
  if (only === undefined) return whichOne(book, params, context);
  if (more !== undefined) return askWhich(book, found, context);
  return params.confirm === true || isOfModel(context)
    ? needsConfirmation
    : forgetAll(book, [only.id], context);
}

async function whichOne(
  book: FactBook,
  { words }: ForgetParams,
  context: CallContext,
): Promise<ToolAnswer> {
  const { userId, locale } = context;
  const texts = memoryTexts(locale);
  if ((await book.count(userId)) === 0) return done(texts.none);
  // A call that is repeated after a crash has forgotten it itself.
  if (words !== undefined)
    return done(context.isRepeat === true ? texts.forgotten(1) : texts.noMatch);
  return askWhich(book, await book.newest(userId, askedMax), context);
}

/** Numbers as in the list. */
async function askWhich(
  book: FactBook,
  found: readonly RememberedFact[],
  { userId, locale, timeZone }: CallContext,
): Promise<ToolAnswer> {
  const numbers = new Map((await book.all(userId)).map(({ id }, at) => [id, at + 1]));
  const lines = found
    .slice(0, askedMax)
    .map((one) => `${numbers.get(one.id) ?? '?'}. ${lineOf(one, timeZone)}`);
  return done(memoryTexts(locale).which, ...lines);
}

async function proposeForget(
  book: FactBook,
  params: ForgetParams,
  { userId, locale, timeZone, now }: CallContext,
): Promise<Proposal> {
  const texts = memoryTexts(locale);
  const told =
    params.all === true
      ? { ...params, until: params.until ?? Date.parse(now) + nowStepMs }
      : params;
  const found = await meant(book, told, userId);
  if (found.length === 0) return toolError('GH_TOOL_INPUT', 'no such fact', texts.noMatch);
  const lines = found.slice(0, listedMax).map((one) => `- ${lineOf(one, timeZone)}`);
  const more = found.length > listedMax ? [texts.more(found.length - listedMax)] : [];
  const head = texts.draftForget(found.length);
  return {
    ok: true,
    params: {
      ...(params.all === true ? { all: true, until: told.until } : { ids: found.map(idOf) }),
      title: head,
    },
    data: null,
    summary: [head, ...lines, ...more].join('\n'),
  };
}

const idOf = ({ id }: RememberedFact): string => id;

async function meant(
  book: FactBook,
  { ids, all, until = Infinity, index, words }: ForgetParams,
  userId: string,
): Promise<RememberedFact[]> {
  if (ids !== undefined) {
    const found = await Promise.all(ids.map((id) => book.find(userId, id)));
    return found.filter((one) => one !== null);
  }
  // What was told after the draft was shown is not forgotten by its yes.
  if (all === true) return (await book.all(userId)).filter((one) => one.createdAt <= until);
  if (index !== undefined) return (await book.newest(userId, index)).slice(index - 1, index);
  return words === undefined ? [] : selectFacts(await book.fitting(userId, words), words);
}

async function forgetAll(
  book: FactBook,
  ids: readonly string[],
  { userId, jobId, locale, isRepeat }: CallContext,
): Promise<Extract<ToolAnswer, { ok: true }>> {
  const count = await book.forget(userId, ids, jobId ?? null);
  const texts = memoryTexts(locale);
  if (count === 0 && isRepeat !== true) return done(texts.noMatch);
  return done(texts.forgotten(Math.max(1, count)));
}
