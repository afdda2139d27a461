/**
 * Takes thinking out of an answer while it streams.
 * Owns nothing but the held tail of the text. It must never show a part of a marker, and never lose text
 * because a marker might have begun.
 *
 * 1. What becomes visible does not depend on how the text was cut into chunks: the text is read as a sequence
 *    of words and markers, a possible beginning of a marker is held, and decisions are taken at markers only.
 * 2. A `lead` opening counts only before the first visible character; later it is text, and so is its close.
 * 3. A close without an opening (the template had opened the block in the prompt) takes back all text before it:
 *    `replace`. Only the first one, and only when nothing was opened before.
 * 4. A surrogate pair is never split, whatever the server does.
 */
import type { Markup, MarkupPair } from './thinking-markup.ts';

export interface ThinkingFilterOptions {
  markup: Markup;
  /**
   * The model is known to answer `…thinking…</think>answer`: hold the text back until the close comes.
   * When none comes, the end decides (see `end`).
   */
  expectOrphanClose: boolean;
  /** Visible text, in order. `replace`: forget all before. */
  onText: (text: string, replace: boolean) => void;
}

export interface ThinkingFilterEnd {
  /** The text ended inside of a thinking block: what is visible is not an answer. */
  unclosed: boolean;
  /** A close without an opening was seen; a later answer of this model should expect it. */
  orphanClose: boolean;
}

export interface ThinkingFilter {
  push(chunk: string): void;
  /** `cutByLength`: the server stopped at its limit; held text without a close is then taken for thinking. */
  end(cutByLength: boolean): ThinkingFilterEnd;
}

type Marker = { text: string } & (
  | { role: 'open' | 'close'; pair: MarkupPair }
  | { role: 'literal' }
);

interface Hit {
  at: number;
  marker: Marker;
}

/** Markers that are looked for together. */
interface MarkerSet {
  markers: readonly Marker[];
  longest: number;
  /** A text without any of their first characters holds none, not even the beginning of one: most chunks. */
  starts: ReadonlySet<string>;
}

const markerSet = (markers: readonly Marker[]): MarkerSet => ({
  markers,
  longest: Math.max(0, ...markers.map(({ text }) => text.length)),
  starts: new Set(markers.map(({ text }) => text.charAt(0))),
});

function mayHold(text: string, { starts }: MarkerSet): boolean {
  for (let at = 0; at < text.length; at++) if (starts.has(text.charAt(at))) return true;
  return false;
}

/** The markers that are looked for outside of a block, where an opening, a close and a literal may stand. */
function outsideMarkers({ pairs, literals }: Markup): MarkerSet {
  const literalTexts = new Set(literals);
  return markerSet([
    ...pairs.map((pair): Marker => ({ text: pair.open, role: 'open', pair })),
    ...pairs.flatMap((pair) =>
      pair.closes
        .filter((text) => !literalTexts.has(text))
        .map((text): Marker => ({ text, role: 'close', pair })),
    ),
    ...literals.map((text): Marker => ({ text, role: 'literal' })),
  ]);
}

/** The earliest marker in the text; of two that begin together, the longer. */
function earliest(text: string, { markers }: MarkerSet): Hit | null {
  let best: Hit | null = null;
  for (const marker of markers) {
    const at = text.indexOf(marker.text);
    if (at < 0) continue;
    const better =
      !best || at < best.at || (at === best.at && marker.text.length > best.marker.text.length);
    if (better) best = { at, marker };
  }
  return best;
}

/** Where the longest tail begins that could still grow into a marker; the length of the text when none could. */
function possibleStart(text: string, { markers, longest, starts }: MarkerSet): number {
  for (let at = Math.max(0, text.length - longest + 1); at < text.length; at++) {
    if (!starts.has(text.charAt(at))) continue;
    for (const marker of markers) {
      if (marker.text.length <= text.length - at) continue;
      if (text.endsWith(marker.text.slice(0, text.length - at))) return at;
    }
  }
  return text.length;
}

const endsInHighSurrogate = (text: string): boolean => /[\uD800-\uDBFF]$/.test(text);

interface Block {
  pair: MarkupPair;
  closes: MarkerSet;
}

class Filter implements ThinkingFilter {
  readonly #onText: ThinkingFilterOptions['onText'];
  readonly #outside: MarkerSet;
  #inside: Block | null = null;
  #held = '';
  /** Text of which it is not known yet whether it is thinking; null when text is shown at once. */
  #awaiting: string | null;
  #visible = false;
  #eatSpace = true;
  /** An opening or a close was met: a close that comes now is no orphan. */
  #opened = false;
  #orphanClose = false;

  constructor(options: ThinkingFilterOptions) {
    this.#onText = options.onText;
    this.#outside = outsideMarkers(options.markup);
    this.#awaiting = options.expectOrphanClose ? '' : null;
  }

  push(chunk: string): void {
    this.#held += chunk;
    this.#read(false);
  }

  end(cutByLength: boolean): ThinkingFilterEnd {
    this.#read(true);
    let unclosed = this.#inside?.pair.kind === 'thinking';
    if (this.#awaiting) {
      if (cutByLength) unclosed = true;
      else this.#onText(this.#awaiting.toWellFormed(), false);
    }
    return { unclosed, orphanClose: this.#orphanClose };
  }

  /** Reads as far as can be decided; `final` when nothing more can come. */
  #read(final: boolean): void {
    for (;;) {
      const set = this.#inside?.closes ?? this.#outside;
      const isPlain = !mayHold(this.#held, set);
      const hit = isPlain ? null : earliest(this.#held, set);
      let possible = isPlain || final ? this.#held.length : possibleStart(this.#held, set);
      if (!hit || possible <= hit.at) {
        const split = !final && possible === this.#held.length && endsInHighSurrogate(this.#held);
        if (split) possible -= 1;
        this.#show(this.#held.slice(0, possible));
        this.#held = this.#held.slice(possible);
        return;
      }
      this.#show(this.#held.slice(0, hit.at));
      this.#held = this.#held.slice(hit.at + hit.marker.text.length);
      this.#meet(hit.marker);
    }
  }

  #show(text: string): void {
    if (this.#inside) return;
    const rest = this.#eatSpace ? text.trimStart() : text;
    if (rest === '') return;
    this.#eatSpace = false;
    this.#visible = true;
    if (this.#awaiting === null) this.#onText(rest.toWellFormed(), false);
    else this.#awaiting += rest;
  }

  #meet(marker: Marker): void {
    if (marker.role === 'literal') return;
    const { pair } = marker;
    if (this.#inside) {
      this.#inside = null;
      this.#eatSpace = true;
    } else if (marker.role === 'close') {
      if (pair.kind === 'thinking') this.#meetOrphan(marker.text);
    } else if (pair.where === 'anywhere' || !this.#visible) {
      if (pair.kind === 'thinking' && !this.#visible) this.#awaiting = null;
      const closes = pair.closes.map((text): Marker => ({ text, role: 'close', pair }));
      this.#inside = { pair, closes: markerSet(closes) };
      this.#opened = true;
    } else {
      this.#show(marker.text);
      this.#opened = true;
    }
  }

  /** A close that nothing opened: all text so far was thinking (rule 3), unless the tag was only talked about. */
  #meetOrphan(text: string): void {
    if (this.#opened) return this.#show(text);
    this.#opened = true;
    this.#orphanClose = true;
    if (this.#awaiting !== null) this.#awaiting = null;
    else if (this.#visible) this.#onText('', true);
    this.#visible = false;
    this.#eatSpace = true;
  }
}

export const createThinkingFilter = (options: ThinkingFilterOptions): ThinkingFilter =>
  new Filter(options);
