/**
 * Formatted text as the Bot API has it: a text and its entities, with offsets and lengths in UTF-16 code units. Parses
 * `parse_mode` and `entities`, trims the text, and finds what Telegram marks by itself: URLs, mentions, commands.
 *
 * Sources: https://core.telegram.org/bots/api#formatting-options; the texts of errors, the order of nested entities and
 * the trimming: td/telegram/MessageEntity.cpp of https://github.com/tdlib/td.
 */
import { ApiError, badRequest } from './api-error.ts';
import {
  entityTypes,
  MarkupError,
  sortEntities,
  type Entity,
  type FormattedText,
} from './entity-types.ts';
import { parseHtml } from './markup-html.ts';
import { parseMarkdown } from './markup-markdown.ts';

export interface FormattedInput {
  text: string;
  /** '' for none. */
  parseMode: string;
  /** JSON; '' for none. Ignored if there is a parse mode. */
  entities: string;
}

/** Longer texts are not even parsed. */
const bytesMax = 2 ** 15;

/** Throws an `ApiError` for markup that Telegram refuses. The text may be empty. */
export function formattedText(input: FormattedInput): FormattedText {
  const { text, parseMode } = input;
  if (Buffer.byteLength(text) > bytesMax) throw badRequest('text is too long');
  const mode = parseMode.toLowerCase();
  if (text === '' || mode === '' || mode === 'none') {
    return finished({ text, entities: entitiesOf(input.entities, text) });
  }
  switch (mode) {
    case 'html':
      return finished(parsed(() => parseHtml(text)));
    case 'markdownv2':
      return finished(parsed(() => parseMarkdown(text)));
    case 'markdown':
      throw badRequest('the simulator has no parse_mode Markdown; use MarkdownV2 or HTML');
    default:
      throw badRequest('unsupported parse_mode');
  }
}

function parsed(parse: () => FormattedText): FormattedText {
  try {
    return parse();
  } catch (error) {
    if (!(error instanceof MarkupError)) throw error;
    throw new ApiError(400, `Bad Request: can't parse entities: ${error.message}`);
  }
}

function entitiesOf(json: string, text: string): Entity[] {
  if (json === '') return [];
  let given: unknown;
  try {
    given = JSON.parse(json);
  } catch {
    throw badRequest("can't parse entities JSON object");
  }
  // As the server does: a value that is no list is ignored.
  if (!Array.isArray(given)) return [];
  return given.flatMap((one: unknown) => entityOf(one, text) ?? []);
}

/** Found by Telegram itself: a client cannot set them. */
const foundTypes = new Set(['mention', 'hashtag', 'bot_command', 'url', 'email']);

function entityOf(given: unknown, text: string): Entity | null {
  const refuse = (why: string): never => {
    throw badRequest(`can't parse MessageEntity: ${why}`);
  };
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return refuse('MessageEntity must be an Object');
  }
  const { type, offset, length, ...rest } = given as Record<string, unknown>;
  if (offset === undefined) return refuse('Can\'t find field "offset"');
  if (length === undefined) return refuse('Can\'t find field "length"');
  if (!Number.isInteger(offset)) return refuse('Field "offset" must be of type Number');
  if (!Number.isInteger(length)) return refuse('Field "length" must be of type Number');
  if (typeof type !== 'string') return refuse('Field "type" must be of type String');
  const known = entityTypes.find((one) => one === type);
  if (known === undefined) return refuse('Unsupported type specified');
  const [at, size] = [Number(offset), Number(length)];
  if (at < 0 || at > 1_000_000) throw badRequest(`receive an entity with incorrect offset ${at}`);
  if (size < 0 || size > 1_000_000) {
    throw badRequest(`receive an entity with incorrect length ${size}`);
  }
  if (at + size > text.length) {
    throw badRequest(
      `entity beginning at UTF-16 offset ${at} ends after the end of the text at UTF-16 offset ${at + size}`,
    );
  }
  for (const [edge, word] of [
    [at, 'begins'],
    [at + size, 'ends'],
  ] as const) {
    if (isInsidePair(text, edge)) {
      throw badRequest(`entity ${word} in a middle of a UTF-16 symbol at UTF-16 offset ${edge}`);
    }
  }
  if (foundTypes.has(known) || size === 0) return null;
  return { type: known, offset: at, length: size, ...argumentOf(known, rest) };
}

function argumentOf(type: Entity['type'], rest: Record<string, unknown>): Partial<Entity> {
  if (type === 'text_link' && typeof rest['url'] === 'string') return { url: rest['url'] };
  if (type === 'pre' && typeof rest['language'] === 'string') return { language: rest['language'] };
  if (type === 'custom_emoji') return { custom_emoji_id: String(rest['custom_emoji_id']) };
  return {};
}

const isInsidePair = (text: string, at: number): boolean =>
  /[\uD800-\uDBFF]/.test(text.charAt(at - 1)) && /[\uDC00-\uDFFF]/.test(text.charAt(at));

/** Without blanks at both ends and control characters; with the entities that Telegram finds. */
function finished({ text, entities }: FormattedText): FormattedText {
  const clean = text.replaceAll('\r', '');
  const start = clean.length - clean.trimStart().length;
  const trimmed = clean.trim();
  const place = (at: number): number => {
    const returns = text === clean ? 0 : text.slice(0, at).split('\r').length - 1;
    return Math.min(trimmed.length, Math.max(0, at - returns - start));
  };
  const moved = entities.flatMap((entity) => {
    const [from, to] = [place(entity.offset), place(entity.offset + entity.length)];
    return to > from ? [{ ...entity, offset: from, length: to - from }] : [];
  });
  const inCode = moved.filter(({ type }) => type === 'code' || type === 'pre');
  const apart = moved.filter(
    (one) =>
      inCode.includes(one) ||
      !inCode.some((code) => overlap(one, code) && one.type !== 'blockquote'),
  );
  const found = findEntities(trimmed).filter(
    (one) =>
      !apart.some(
        (other) => other.type !== 'blockquote' && other.type !== 'bold' && overlap(one, other),
      ),
  );
  return { text: trimmed, entities: sortEntities([...apart, ...found]) };
}

const overlap = (a: Entity, b: Entity): boolean =>
  a.offset < b.offset + b.length && b.offset < a.offset + a.length;

const findable: readonly [Entity['type'], RegExp][] = [
  ['url', /\bhttps?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]]/g],
  ['email', /\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b/g],
  ['bot_command', /(?<![\w/<>])\/[a-zA-Z0-9_]{1,32}(?:@\w{3,32})?(?![\w/])/g],
  ['mention', /(?<![\w@/])@[a-zA-Z]\w{2,31}\b/g],
  ['hashtag', /(?<![\w#&])#\p{L}[\p{L}\p{N}_]*/gu],
];

/** What Telegram marks in a text by itself. */
export function findEntities(text: string): Entity[] {
  const found: Entity[] = [];
  for (const [type, pattern] of findable) {
    for (const match of text.matchAll(pattern)) {
      const entity = { type, offset: match.index, length: match[0].length };
      if (!found.some((other) => overlap(other, entity))) found.push(entity);
    }
  }
  return sortEntities(found);
}
