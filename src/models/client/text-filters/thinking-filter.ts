/**
 * Removes thinking, special tokens and message headers from a streamed answer. Owns only the held tail of the text. It
 * must never show a part of a marker, and never lose text because a marker might have begun.
 *
 * 1. The visible text does not depend on how the text was split into chunks: it is read as a sequence of words and
 *    markers, a possible start of a marker is held, and decisions are made at markers only.
 * 2. A marker that the answer discusses is text: in code, between quotes, a tag also inside a sentence.
 * 3. A tag opens a block before the first visible character. Later it opens a block only if it is closed: text after a
 *    late tag without a close is shown.
 * 4. A close without an opening (the chat template had opened the block in the prompt) revokes all text before it:
 *    `replace`. Only the first such close, only when nothing was opened before, and when no thinking came in its own
 *    field.
 * 5. A special token is removed; the text around it stays. A message with a recipient is a tool call, not text.
 * 6. A surrogate pair is never split, however the server splits the text.
 */
import { messageBlock, unterminatedCallBlock, pairBlock, type Block } from './filter-block.ts';
import { headerEnds as headerEndTokens } from '#shared/text/special-tokens';
import { asciiLower, type MarkerMatch } from './marker-set.ts';
import { headerCharsMax, parseMessageHeader } from './message-header.ts';
import {
  headerEndSet,
  outsideMarkers,
  strippedFinal,
  strippedSet,
  messageStartTokens,
  type Marker,
  type OutsideMarkers,
} from './outside-markers.ts';
import { neighbourChars } from './text-context.ts';
import type { Markup, MarkupPair } from './thinking-markup.ts';
import { VisibleText } from './visible-text.ts';

export interface ThinkingFilterOptions {
  markup: Markup;
  /**
   * The model is known to answer `…thinking…</think>answer`: hold the text back until the close comes. If none comes,
   * the end decides (see `end`).
   */
  expectOrphanClose: boolean;
  /** Visible text, in order. `replace`: discard all earlier text. */
  onText: (text: string, replace: boolean) => void;
  /** A tool call that the model wrote as a harmony message. */
  onCall?: (name: string, args: string) => void;
}

export interface ThinkingFilterEnd {
  /** The text ended inside a thinking block: the visible text is not an answer. */
  unclosed: boolean;
  /** A close without an opening was found; a later answer of this model should expect it. */
  orphanClose: boolean;
}

/** Tokens inside a message header. */
const headerParts: ReadonlySet<string> = new Set(['<|channel|>', '<|constrain|>']);
const headerEnds = { line: headerEndSet(true), tokens: headerEndSet(false) };
const messageStartKeys: ReadonlySet<string> = new Set(messageStartTokens.map(asciiLower));

const endsInHighSurrogate = (text: string): boolean => /[\uD800-\uDBFF]$/.test(text);

const headerEndKeys: ReadonlySet<string> = new Set(headerEndTokens);
const pairedEdges: ReadonlyMap<string, string> = new Map([
  ['<s>', '</s>'],
  ['[inst]', '[/inst]'],
]);
/** A token of an unknown model family that begins a call. */
const callToken = /^(?!.*(?:end|suffix|\/)).*(?:tool|func|plugin|action|dsml|<\|open\|)/;
/** Tags that answers use in normal text. */
const plainTags: ReadonlySet<string> = new Set(['<thinking>', '<thought>', '<reasoning>']);
/** A token truncated at the end of the text; long enough not to match a formula. */
const cutToken = /<[|｜][a-z0-9_▁]{3,40}[|｜]?$/i;
const strippedLead = 'analysis';
const quote = /[`"'“”‘’]/;

const isTag = (marker: Marker): boolean =>
  'pair' in marker ? marker.pair.where === 'lead' : marker.role.startsWith('answer');

export class ThinkingFilter {
  readonly #outside: OutsideMarkers;
  readonly #visible: VisibleText;
  readonly #onCall: (name: string, args: string) => void;
  /** Printed calls stay in the text, for the call parser. */
  readonly #keepsCalls: boolean;
  #block: Block | null = null;
  /** The message header being read: its opening token and the text after it. */
  #header: { text: string; line: boolean } | null = null;
  #held = '';
  /** An opening or a close was found, or thinking came in its own field: a later close is no orphan. */
  #opened = false;
  /** Number of openings that the answer only mentioned; their closes are text as well. */
  #mentioned = 0;
  /** Closing markers whose opening marker was shown as text. */
  readonly #shownEdges = new Set<string>();
  #orphanClose = false;
  /** The text looks like an answer of gpt-oss whose special tokens were stripped. */
  #isStripped = false;
  #ended = false;

  constructor(options: ThinkingFilterOptions) {
    this.#outside = outsideMarkers(options.markup);
    this.#keepsCalls = options.markup.pairs.some(({ kind }) => kind === 'call');
    this.#visible = new VisibleText(options.expectOrphanClose, options.onText);
    this.#onCall = options.onCall ?? (() => {});
  }

  push(chunk: string): void {
    this.#held += chunk;
    this.#read(false);
  }

  /** Call when thinking came in its own field: a close in the text does not belong to it. */
  sawReasoning(): void {
    this.#opened = true;
    this.#visible.showAwaited();
  }

  /** `cutByLength`: the server stopped at its limit; held text without a close then counts as thinking. */
  end(cutByLength: boolean): ThinkingFilterEnd {
    this.#read(true);
    this.#ended = true;
    while (this.#block?.kind === 'late') {
      this.#held = this.#block.text;
      this.#block = null;
      this.#read(true);
    }
    let unclosed = this.#block?.kind === 'thought';
    if (this.#block?.kind === 'call') this.#close();
    if (this.#visible.isHeld) {
      if (cutByLength) unclosed = true;
      else this.#visible.showAwaited();
    }
    return { unclosed, orphanClose: this.#orphanClose };
  }

  /** Reads as far as can be decided; `final`: no more text can come. */
  #read(final: boolean): void {
    while (this.#held !== '' || (final && this.#header !== null)) {
      const goesOn = this.#header === null ? this.#step(final) : this.#parseHeader(final);
      if (!goesOn) return;
    }
  }

  /** Reads up to and including the next marker. False when more text is needed. */
  #step(final: boolean): boolean {
    const lead = this.#leadOfStripped(final);
    if (lead !== null) return lead;
    const outside = this.#isStripped ? strippedSet : this.#outside.set;
    const set = this.#block?.closes ?? outside;
    const found = set.find(this.#held);
    let possible = final ? this.#held.length : set.possibleStart(this.#held);
    if (!found || possible <= found.at) {
      const split = !final && possible === this.#held.length && endsInHighSurrogate(this.#held);
      if (split) possible -= 1;
      if (final && !this.#block) this.#dropCutToken();
      this.#take(Math.min(possible, this.#held.length));
      return false;
    }
    this.#take(found.at);
    const after = this.#held.slice(found.text.length);
    if (!final && after.length < neighbourChars && !after.includes('\n') && this.#asksAfter(found))
      return false;
    if (this.#block) this.#meetInside(this.#block, found, after);
    else {
      this.#held = after;
      this.#meet(found, after);
    }
    return true;
  }

  /** Drops an incomplete token at the end of the text: servers that match stop words may stop inside a token. */
  #dropCutToken(): void {
    if (!this.#visible.context.isCode) this.#held = this.#held.replace(cutToken, '');
  }

  /** Takes the text before a marker. */
  #take(length: number): void {
    const text = this.#held.slice(0, length);
    this.#held = this.#held.slice(length);
    const block = this.#block;
    if (block === null || block.kind === 'verbatim') this.#visible.show(text);
    else if (block.kind === 'late' || block.kind === 'call') block.text += text;
    else if (text !== '') block.text = text.slice(-1);
  }

  #meetInside(block: Block, found: MarkerMatch, after: string): void {
    const isMention =
      block.isTag && quote.test(block.text.slice(-1)) && quote.test(after.charAt(0));
    if (isMention) return this.#take(found.text.length);
    const startsMessage = messageStartKeys.has(found.key);
    if (block.kind === 'verbatim' && !startsMessage) this.#take(found.text.length);
    else if (!startsMessage) this.#held = after;
    this.#close();
  }

  #close(): void {
    const block = this.#block;
    this.#block = null;
    if (block?.kind === 'call' && block.callee !== null)
      this.#onCall(block.callee, block.text.trim());
    if (block?.kind === 'late' && !this.#visible.context.isLineStart) this.#visible.drop();
    else if (block?.kind !== 'verbatim') this.#visible.eatSpace();
  }

  /** Whether the text after a marker decides about it. */
  #asksAfter({ key }: MarkerMatch): boolean {
    if (this.#block) return this.#block.isTag && quote.test(this.#block.text.slice(-1));
    const marker = this.#meaningOf(key);
    return isTag(marker) || marker.role === 'close' || this.#visible.context.isAfterQuote;
  }

  #meaningOf = (key: string): Marker => this.#outside.meaning.get(key) ?? { role: 'token' };

  /** Rule 2: whether the answer only mentions this marker. */
  #isMention(marker: Marker, after: string): boolean {
    const { context } = this.#visible;
    if (context.isQuoted(after)) return true;
    if (isTag(marker) && (context.isCode || (marker.role === 'open' && context.isAfterQuote)))
      return true;
    return (isTag(marker) || marker.role === 'close') && context.isInSentence(after);
  }

  #meet(found: MarkerMatch, after: string): void {
    if (found.key === strippedFinal) return this.#meetOrphan(false);
    const marker = this.#meaningOf(found.key);
    if (this.#isMention(marker, after)) {
      if (marker.role === 'open') this.#mentionOpening();
      if (marker.role === 'close' && this.#mentioned > 0) this.#mentioned--;
      return this.#visible.show(found.text);
    }
    if (marker.role === 'open') return this.#open(marker.pair, found.text);
    if (marker.role === 'close') return this.#meetClose(marker.pair, found.text);
    // In code a token is shown, unless it ends the answer.
    if (this.#visible.context.isCode) return this.#visible.drop(found.text);
    this.#meetToken(marker, found);
  }

  #meetToken(marker: Marker, { key, text }: MarkerMatch): void {
    const visible = this.#visible;
    if (marker.role === 'header') this.#header = { text, line: marker.line };
    else if (marker.role === 'foreign') this.#block = messageBlock('foreign');
    else if (marker.role === 'own') visible.breakMessage();
    else if (marker.role === 'answer-open') {
      if (visible.isEmpty || marker.close === '</answer>') return visible.drop();
      this.#shownEdges.add(marker.close);
      visible.show(text);
    } else if (marker.role === 'answer-close' || marker.role === 'edge') {
      this.#meetEdge(key, text);
    } else if (this.#keepsCalls && callToken.test(key)) {
      visible.show(text);
      this.#block = unterminatedCallBlock();
    } else visible.drop();
  }

  /** `<s>` may be HTML: it is shown when text follows, and so is its close. Other edge tokens are dropped. */
  #meetEdge(key: string, text: string): void {
    const visible = this.#visible;
    const close = pairedEdges.get(key);
    if (close === undefined) visible.drop(this.#shownEdges.has(key) ? text : '');
    else if (!visible.isEmpty) {
      this.#shownEdges.add(close);
      visible.drop(text);
    }
  }

  #mentionOpening(): void {
    this.#opened = true;
    this.#mentioned++;
  }

  #open(pair: MarkupPair, text: string): void {
    const visible = this.#visible;
    if (pair.kind === 'call') {
      visible.show(text);
      this.#block = pairBlock('verbatim', pair);
    } else if (pair.kind === 'residue') {
      this.#block = pairBlock('hidden', pair);
    } else if (visible.isEmpty || pair.where === 'anywhere') {
      this.#opened = true;
      if (visible.isEmpty) visible.showAwaited();
      this.#block = pairBlock('thought', pair);
    } else if (plainTags.has(pair.open)) {
      this.#mentionOpening();
      visible.show(text);
    } else {
      this.#opened = true;
      if (this.#ended) visible.drop();
      else this.#block = pairBlock('late', pair);
    }
  }

  #meetClose(pair: MarkupPair, text: string): void {
    const visible = this.#visible;
    if (pair.kind === 'call') return visible.show(text);
    if (pair.kind === 'residue') return visible.drop();
    if (this.#mentioned > 0) {
      this.#mentioned--;
      return visible.show(text);
    }
    if (visible.isEmpty || this.#opened) {
      this.#opened = true;
      return visible.drop();
    }
    this.#meetOrphan(true);
  }

  /** A close without an opening: all text so far was thinking (rule 4). */
  #meetOrphan(expectNext: boolean): void {
    this.#opened = true;
    this.#isStripped = false;
    this.#orphanClose ||= expectNext;
    this.#visible.retract();
  }

  /** Handles `analysis…assistantfinal…`. Null when the text does not begin like this; otherwise whether to continue. */
  #leadOfStripped(final: boolean): boolean | null {
    if (this.#block || !this.#visible.isEmpty) return null;
    const lead = this.#held.trimStart();
    if (!final && lead !== '' && strippedLead.startsWith(lead)) return false;
    if (!/^analysis[^\s<[]/.test(lead)) return null;
    this.#take(this.#held.length - lead.length + strippedLead.length);
    this.#isStripped = true;
    return true;
  }

  /** Reads a message header. False when more text is needed. */
  #parseHeader(final: boolean): boolean {
    const header = this.#header!;
    const ends = header.line ? headerEnds.line : headerEnds.tokens;
    const found = ends.find(this.#held);
    const possible = final ? this.#held.length : ends.possibleStart(this.#held);
    const room = Math.max(0, headerCharsMax - header.text.length);
    if (!found || found.at > room || possible <= found.at) {
      if (!final && possible <= room) return false;
      this.#endHeader(header.text + this.#held.slice(0, room), this.#held.slice(room), false);
      return true;
    }
    const text = header.text + this.#held.slice(0, found.at);
    const after = this.#held.slice(found.at + found.text.length);
    if (headerParts.has(found.key)) {
      header.text = text + found.text;
      this.#held = after;
    } else if (headerEndKeys.has(found.key)) this.#endHeader(text, after, true);
    else this.#endHeader(text, this.#held.slice(found.at), false);
    return true;
  }

  #endHeader(text: string, after: string, isEnded: boolean): void {
    const { kind, callee, rest } = parseMessageHeader(text, isEnded);
    this.#header = null;
    this.#held = (rest.trim() === '' ? '' : rest) + after;
    if (kind === 'answer') return this.#visible.breakMessage();
    if (kind === 'thought') {
      this.#opened = true;
      this.#visible.showAwaited();
    }
    this.#block = messageBlock(kind, callee);
  }
}
