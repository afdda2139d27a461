/**
 * Puts tool calls together from their pieces. What tells the calls of an answer apart differs from server to
 * server: index, id and name may be missing, repeated, or new in every piece.
 *
 * 1. A known id decides, then a known index. A name that is not the call's own begins another call.
 * 2. A name that is repeated begins another call only where the arguments of the call are complete.
 * 3. A piece without a name goes on with the call that is not complete.
 * 4. Arguments are put together at the end, when all pieces are known: call-arguments.ts.
 */
import { randomUUID } from 'node:crypto';
import type { ModelToolCall } from '../contract/model.ts';
import { argumentsOf, isWholeObject, parsesAsJson } from './call-arguments.ts';
import type { ToolCallPiece } from './frame.ts';

/** More than this in one answer is a loop, not a plan; the rest is dropped. */
const CALLS_MAX = 64;

interface Draft {
  index: number | null;
  /** All under which pieces came; the first is the call's own. */
  ids: string[];
  name: string | null;
  pieces: string[];
  /** It stood in a whole message first. */
  isRepeat: boolean;
}

export interface ToolCallAssembler {
  add(piece: ToolCallPiece): void;
  /** The calls in the order in which they began. A call without a name is dropped; one without an id gets one. */
  calls(): ModelToolCall[];
}

const textOf = (draft: Draft): string => argumentsOf(draft.pieces).join('');

/** Its arguments have begun and ended. Looked at for pieces with a name or a new id, not for every piece. */
function isComplete({ pieces }: Draft): boolean {
  const last = pieces.findLast((piece) => piece !== '');
  if (last === undefined || !last.trimEnd().endsWith('}')) return false;
  return isWholeObject(argumentsOf(pieces)[0]!);
}

const hasArguments = ({ pieces }: Draft): boolean => pieces.some((piece) => piece !== '');

/** Whether a piece is the whole call again that had come bit by bit. */
const repeatsWhole = (draft: Draft, piece: ToolCallPiece): boolean =>
  draft.name === piece.name &&
  draft.pieces.filter((each) => each !== '').length > 1 &&
  sameJson(textOf(draft), piece.arguments);

function sameJson(one: string, other: string): boolean {
  if (!parsesAsJson(one) || !parsesAsJson(other)) return one === other;
  return JSON.stringify(JSON.parse(one)) === JSON.stringify(JSON.parse(other));
}

class Assembler implements ToolCallAssembler {
  readonly #isTool: ((name: string) => boolean) | null;
  #drafts: Draft[] = [];

  constructor(isTool: ((name: string) => boolean) | null) {
    this.#isTool = isTool;
  }

  add(piece: ToolCallPiece): void {
    if (piece.isRepeat && this.#isKnown(piece)) return;
    const draft = this.#find(piece) ?? this.#begin(piece);
    if (draft === null) return;
    if (piece.id && !draft.ids.includes(piece.id)) draft.ids.push(piece.id);
    if (piece.name) draft.name = this.#nameOf(draft, piece.name);
    if (piece.whole) draft.pieces = [];
    draft.pieces.push(piece.arguments);
  }

  calls(): ModelToolCall[] {
    const taken = new Set<string>();
    return this.#joined().flatMap(({ name, ids: [id], pieces }) => {
      if (!name) return [];
      return argumentsOf(pieces).map((text, at): ModelToolCall => {
        const free = at === 0 && id !== undefined && !taken.has(id);
        const own = free ? id : `call_${randomUUID()}`;
        taken.add(own);
        return { id: own, type: 'function', function: { name, arguments: text } };
      });
    });
  }

  #begin(piece: ToolCallPiece): Draft | null {
    if (this.#drafts.length >= CALLS_MAX) return null;
    const draft: Draft = { index: piece.index, ids: [], name: null, pieces: [], isRepeat: false };
    draft.isRepeat = piece.isRepeat === true;
    this.#drafts.push(draft);
    return draft;
  }

  #find(piece: ToolCallPiece): Draft | undefined {
    const { id, index } = piece;
    const byId = id ? this.#drafts.findLast(({ ids }) => ids.includes(id)) : undefined;
    if (byId) return this.#isAnotherName(byId, piece) ? undefined : byId;
    const byIndex =
      index === null ? undefined : this.#drafts.findLast((draft) => draft.index === index);
    if (byIndex) return this.#beginsAnother(byIndex, piece) ? undefined : byIndex;
    const last = this.#drafts.at(-1);
    if (!last) return undefined;
    if (!piece.name) return this.#openDraft(piece, last);
    // A new index with a name is a new call; without an index, the name of a call that is not complete goes on.
    return index !== null || this.#beginsAnother(last, piece) ? undefined : last;
  }

  /** The call that a piece without a name goes on with. */
  #openDraft(piece: ToolCallPiece, last: Draft): Draft | undefined {
    const open = this.#drafts.findLast((draft) => draft.name !== null && !isComplete(draft));
    // The name of a new call may still come.
    if (piece.arguments === '' && (piece.id || piece.index !== null)) return undefined;
    return open ?? (piece.id || piece.index !== null ? undefined : last);
  }

  #beginsAnother(draft: Draft, piece: ToolCallPiece): boolean {
    if (!piece.name || !draft.name) return false;
    if (this.#isAnotherName(draft, piece)) return true;
    if (!isComplete(draft) || piece.arguments === '') return piece.id !== null && isComplete(draft);
    return (piece.id !== null && draft.ids.length > 0) || !repeatsWhole(draft, piece);
  }

  /** A name that neither repeats the call's own nor goes on with it. */
  #isAnotherName(draft: Draft, { id, index, name }: ToolCallPiece): boolean {
    if (!name || !draft.name || name.startsWith(draft.name)) return false;
    if (hasArguments(draft)) return true;
    const isTool = this.#isTool;
    if (isTool?.(draft.name + name)) return false;
    if (isTool?.(name)) return true;
    const isSameId = id === null || draft.ids.length === 0 || draft.ids.includes(id);
    return !(isSameId && (index === null ? id !== null : draft.index === index));
  }

  #nameOf(draft: Draft, name: string): string {
    if (draft.name === null || name.startsWith(draft.name)) return name;
    return hasArguments(draft) ? draft.name : draft.name + name;
  }

  /** Whether a call of the final message had come before, in pieces or whole. */
  #isKnown({ id, name, arguments: text }: ToolCallPiece): boolean {
    return this.#drafts.some(
      (draft) =>
        !draft.isRepeat &&
        ((id !== null && draft.ids.includes(id) && isComplete(draft)) ||
          (draft.name === name && sameJson(textOf(draft), text || '{}'))),
    );
  }

  /** Calls whose parts came under indexes of their own are one call, where only together they are JSON. */
  #joined(): Draft[] {
    const joined: Draft[] = [];
    for (const draft of this.#drafts) {
      const before = joined.at(-1);
      if (before && goesOn(before, draft)) {
        before.name ??= draft.name;
        before.ids.push(...draft.ids);
        before.pieces.push(...draft.pieces);
      } else joined.push({ ...draft, ids: [...draft.ids], pieces: [...draft.pieces] });
    }
    return joined;
  }
}

function goesOn(before: Draft, draft: Draft): boolean {
  if (isComplete(before) || (draft.name !== null && draft.name !== before.name)) return false;
  if (!hasArguments(draft)) return false;
  if (!hasArguments(before)) {
    return before.name === null || before.ids.length === 0 || draft.ids.length === 0;
  }
  // What does not begin as an object is no call of its own.
  if (!textOf(draft).trimStart().startsWith('{')) return true;
  return isWholeObject(argumentsOf([...before.pieces, ...draft.pieces])[0]!);
}

/** `isTool`: whether a tool of this name was offered, where that is known; it tells a name in pieces from two. */
export const createToolCallAssembler = (
  isTool: ((name: string) => boolean) | null = null,
): ToolCallAssembler => new Assembler(isTool);
