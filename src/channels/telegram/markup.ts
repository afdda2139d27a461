/**
 * Markdown as models write it → text and entities of Telegram. Entities need no escaping, so no text can break out of its
 * formatting, and none is refused for its markup.
 *
 * E1: the text is never longer than the markdown: a part that was split to the limit stays within it.
 * E2: a link shows its label alone only if the label does not deceive (`#channels/outbox/link-label`).
 * E3: code is unchanged to the last character.
 *
 * Positions are UTF-16 units.
 */
import type { MessageEntity } from 'grammy/types';
import { parseFenceLine, type Fence } from '../outbox/code-fence.ts';
import { hidesNothing, plainLabel } from '../outbox/link-label.ts';

/** Telegram ignores entities beyond 100; what comes later stays as it was written. */
const entitiesMax = 95;

interface Rich {
  text: string;
  entities: MessageEntity[];
}

export function toEntities(markdown: string): Rich {
  const rich: Rich = { text: '', entities: [] };
  const lines = markdown.split('\n');
  for (let at = 0; at < lines.length;) {
    if (at > 0 && rich.text !== '') rich.text += '\n';
    at = addBlock(rich, lines, at);
  }
  // Nothing but markup: Telegram takes no empty text.
  if (rich.text.trim() === '') return { text: markdown, entities: [] };
  return { text: rich.text, entities: rich.entities.toSorted(byPosition) };
}

/** The outer entity first. */
const byPosition = (a: MessageEntity, b: MessageEntity): number =>
  a.offset - b.offset || b.length - a.length;

/** Adds the block that begins at this line; returns the line after it. */
function addBlock(rich: Rich, lines: readonly string[], at: number): number {
  const line = lines[at]!;
  const fence = parseFenceLine(line, null)?.after ?? null;
  if (fence !== null) return addCode(rich, lines, at, fence);
  const tableEnd = endOfTable(lines, at);
  if (tableEnd > at) {
    mark(rich, () => (rich.text += lines.slice(at, tableEnd).join('\n')), { type: 'pre' });
    return tableEnd;
  }
  if (quoted.test(line)) return addQuote(rich, lines, at);
  addLine(rich, line);
  return at + 1;
}

/** The lines between the fences. A fence that is not closed goes on to the end. */
function addCode(rich: Rich, lines: readonly string[], at: number, opened: Fence): number {
  let end = at + 1;
  while (end < lines.length && parseFenceLine(lines[end]!, opened)?.after !== null) end += 1;
  const code = lines.slice(at + 1, end).join('\n');
  const [language = ''] = opened.line
    .trim()
    .replace(/^[`~]+/, '')
    .trim()
    .split(/\s/);
  const entity = language === '' ? { type: 'pre' as const } : { type: 'pre' as const, language };
  mark(rich, () => (rich.text += code), entity);
  return end + 1;
}

const tableLine = /^\s*\|.*\|\s*$/;
const tableRule = /^\s*\|(?:\s*:?-+:?\s*\|)+\s*$/;

/** The line after the table that begins here; `at` itself if none does. */
function endOfTable(lines: readonly string[], at: number): number {
  if (!tableLine.test(lines[at]!) || !tableRule.test(lines[at + 1] ?? '')) return at;
  let end = at + 2;
  while (end < lines.length && tableLine.test(lines[end]!)) end += 1;
  return end;
}

const quoted = /^\s{0,3}>\s?/;

function addQuote(rich: Rich, lines: readonly string[], at: number): number {
  let end = at;
  mark(
    rich,
    () => {
      for (; end < lines.length && quoted.test(lines[end]!); end += 1) {
        if (end > at) rich.text += '\n';
        addInline(rich, lines[end]!.replace(quoted, ''), inQuote);
      }
    },
    { type: 'blockquote' },
  );
  return end;
}

function addLine(rich: Rich, line: string): void {
  const [, heading] = /^\s{0,3}#{1,6}\s+(.*?)(?:\s+#+)?\s*$/.exec(line) ?? [];
  if (heading !== undefined) return addBold(rich, heading, inLine);
  addInline(rich, line.replace(/^(\s*)[-*+](\s+)(?=\S)/, '$1•$2'), inLine);
}

/** What may be formatted: Telegram nests no code and no links within quotes. */
interface Scope {
  /** Code and links. */
  hasAtoms: boolean;
  isBold: boolean;
  isItalic: boolean;
}
const inLine: Scope = { hasAtoms: true, isBold: false, isItalic: false };
const inQuote: Scope = { ...inLine, hasAtoms: false };

/** Bounded, and within one line: an unclosed marker must not cost more than its line. */
const token = new RegExp(
  [
    String.raw`\\(?<escaped>[\\\x60*_{}[\]()#+\-.!|~>])`,
    '(?<!`)(?<ticks>`{1,20})(?!`)(?<code>[^\\n]*?[^`\\n])\\k<ticks>(?!`)',
    String.raw`!?\[(?<label>(?:[^[\]\n\\]|\\.){0,300})\]\(\s*<?(?<url>https?:\/\/(?:[^\s()<>]|\([^\s()<>]*\)){1,2000})>?(?:\s+(?:"[^"\n]*"|'[^'\n]*'))?\s*\)`,
    String.raw`<(?<bare>https?:\/\/[^\s<>|]{1,2000})>`,
    String.raw`\*\*(?=\*?[^\s*])(?<bold>[^\n]{0,2000}?\S)\*\*(?!\*)`,
    String.raw`(?<![\p{L}\p{N}_])__(?=_?[^\s_])(?<bold2>[^\n]{0,2000}?\S)__(?![\p{L}\p{N}_])`,
    String.raw`~~(?=[^\s~])(?<strike>[^\n]{0,2000}?\S)~~`,
    String.raw`(?<![\p{L}\p{N}*])\*(?=[^\s*])(?<italic>[^\n*]{0,2000}?[^\s*])\*(?![\p{L}\p{N}*])`,
    String.raw`(?<![\p{L}\p{N}_])_(?=[^\s_])(?<italic2>[^\n_]{0,2000}?[^\s_])_(?![\p{L}\p{N}_])`,
  ].join('|'),
  'gu',
);

function addInline(rich: Rich, source: string, scope: Scope): void {
  let at = 0;
  for (const found of source.matchAll(token)) {
    if (rich.entities.length >= entitiesMax) break;
    rich.text += source.slice(at, found.index);
    at = found.index + found[0].length;
    addToken(rich, found[0], found.groups ?? {}, scope);
  }
  rich.text += source.slice(at);
}

function addToken(
  rich: Rich,
  whole: string,
  groups: Record<string, string | undefined>,
  scope: Scope,
): void {
  const { escaped, code, label, url, bare, strike } = groups;
  const bold = groups['bold'] ?? groups['bold2'];
  const italic = groups['italic'] ?? groups['italic2'];
  if (escaped !== undefined) rich.text += escaped;
  else if (bold !== undefined) addBold(rich, bold, scope);
  else if (italic !== undefined) addItalic(rich, italic, scope);
  else if (strike !== undefined) {
    addStyled(rich, strike, scope, 'strikethrough');
  } else if (!scope.hasAtoms) rich.text += whole;
  else if (code !== undefined) mark(rich, () => (rich.text += code), { type: 'code' });
  else if (bare !== undefined) rich.text += bare;
  else addLink(rich, label ?? '', url ?? '');
}

const addBold = (rich: Rich, source: string, scope: Scope): void =>
  scope.isBold
    ? addInline(rich, source, scope)
    : addStyled(rich, source, { ...scope, isBold: true }, 'bold');

const addItalic = (rich: Rich, source: string, scope: Scope): void =>
  scope.isItalic
    ? addInline(rich, source, scope)
    : addStyled(rich, source, { ...scope, isItalic: true }, 'italic');

/** Around code Telegram takes no other formatting: then the code has its own only. */
function addStyled(
  rich: Rich,
  source: string,
  inner: Scope,
  type: 'bold' | 'italic' | 'strikethrough',
): void {
  if (source.includes('`')) return addInline(rich, source, inner);
  mark(rich, () => addInline(rich, source, inner), { type });
}

function addLink(rich: Rich, rawLabel: string, url: string): void {
  const label = plainLabel(rawLabel);
  if (label === '' || label === url) rich.text += url;
  else if (hidesNothing(label, url)) {
    mark(rich, () => (rich.text += label), { type: 'text_link', url });
  } else rich.text += `${label} (${url})`;
}

type Style = Omit<MessageEntity.CommonMessageEntity, 'offset' | 'length'> | PreStyle | LinkStyle;
type PreStyle = { type: 'pre'; language?: string };
type LinkStyle = { type: 'text_link'; url: string };

/** Formats what `add` adds to the text. */
function mark(rich: Rich, add: () => unknown, style: Style): void {
  const offset = rich.text.length;
  add();
  const length = rich.text.length - offset;
  if (rich.text.slice(offset).trim() === '') return;
  rich.entities.push({ ...style, offset, length });
}
