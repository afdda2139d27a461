/**
 * Assembles tool calls from their deltas. Servers differ in how they separate the calls of an answer: index, id and
 * name may be missing, repeated, or new in every delta.
 *
 * 1. A known id decides, then a known index. A name that is not the call's own begins another call.
 * 2. A repeated name begins another call only if the arguments of the call are complete.
 * 3. A delta without a name continues the incomplete call.
 * 4. Arguments are joined at the end, when all deltas are known: call-arguments.ts.
 */
import { randomUUID } from 'node:crypto';
import type { ModelToolCall } from '#shared/model/model';
import { joinArguments, isWholeObject, parsesAsJson } from './call-arguments.ts';
import type { ToolCallDelta } from './stream-chunk.ts';

/** Maximum calls per answer: more is a loop, not a plan; the rest is dropped. */
const callsMax = 64;

interface PartialCall {
  index: number | null;
  /** All ids used by its deltas; the first is the call's own. */
  ids: string[];
  name: string | null;
  pieces: string[];
  /** It came first in a whole message. */
  isRepeat: boolean;
}

const argumentsText = (draft: PartialCall): string => joinArguments(draft.pieces).join('');

/** Whether its arguments are a complete object. Checked for deltas with a name or a new id, not for every delta. */
function isComplete({ pieces }: PartialCall): boolean {
  const last = pieces.findLast((piece) => piece !== '');
  if (last === undefined || !last.trimEnd().endsWith('}')) return false;
  return isWholeObject(joinArguments(pieces)[0]!);
}

const hasArguments = ({ pieces }: PartialCall): boolean => pieces.some((piece) => piece !== '');

/** Whether a delta repeats the whole call that was sent in pieces before. */
const repeatsWhole = (draft: PartialCall, piece: ToolCallDelta): boolean =>
  draft.name === piece.name &&
  draft.pieces.filter((each) => each !== '').length > 1 &&
  sameJson(argumentsText(draft), piece.arguments);

function sameJson(one: string, other: string): boolean {
  if (!parsesAsJson(one) || !parsesAsJson(other)) return one === other;
  return JSON.stringify(JSON.parse(one)) === JSON.stringify(JSON.parse(other));
}

export class ToolCallAssembler {
  readonly #isTool: ((name: string) => boolean) | null;
  #partialCalls: PartialCall[] = [];

  /** `isTool`: whether a tool of this name was offered, if known; distinguishes a name sent in pieces from two names. */
  constructor(isTool: ((name: string) => boolean) | null = null) {
    this.#isTool = isTool;
  }

  add(piece: ToolCallDelta): void {
    if (piece.isRepeat && this.#isKnown(piece)) return;
    const draft = this.#find(piece) ?? this.#begin(piece);
    if (draft === null) return;
    if (piece.id && !draft.ids.includes(piece.id)) draft.ids.push(piece.id);
    if (piece.name) draft.name = this.#nameOf(draft, piece.name);
    if (piece.whole) draft.pieces = [];
    draft.pieces.push(piece.arguments);
  }

  /**
   * The calls in the order in which they began. A call without a name is dropped; a call without an id gets a new id.
   */
  calls(): ModelToolCall[] {
    const taken = new Set<string>();
    return this.#joined().flatMap(({ name, ids: [id], pieces }) => {
      if (!name) return [];
      return joinArguments(pieces).map((text, at): ModelToolCall => {
        const isIdFree = at === 0 && id !== undefined && !taken.has(id);
        const callId = isIdFree ? id : `call_${randomUUID()}`;
        taken.add(callId);
        return { id: callId, type: 'function', function: { name, arguments: text } };
      });
    });
  }

  #begin(piece: ToolCallDelta): PartialCall | null {
    if (this.#partialCalls.length >= callsMax) return null;
    const draft: PartialCall = {
      index: piece.index,
      ids: [],
      name: null,
      pieces: [],
      isRepeat: false,
    };
    draft.isRepeat = piece.isRepeat === true;
    this.#partialCalls.push(draft);
    return draft;
  }

  #find(piece: ToolCallDelta): PartialCall | undefined {
    const { id, index } = piece;
    const byId = id ? this.#partialCalls.findLast(({ ids }) => ids.includes(id)) : undefined;
    if (byId) return this.#isAnotherName(byId, piece) ? undefined : byId;
    const byIndex =
      index === null ? undefined : this.#partialCalls.findLast((draft) => draft.index === index);
    if (byIndex) return this.#beginsAnother(byIndex, piece) ? undefined : byIndex;
    const last = this.#partialCalls.at(-1);
    if (!last) return undefined;
    if (!piece.name) return this.#incompleteCall(piece, last);
    // A new index with a name is a new call; without an index, a name continues an incomplete call.
    return index !== null || this.#beginsAnother(last, piece) ? undefined : last;
  }

  /** The call that a delta without a name continues. */
  #incompleteCall(piece: ToolCallDelta, last: PartialCall): PartialCall | undefined {
    const open = this.#partialCalls.findLast((draft) => draft.name !== null && !isComplete(draft));
    // The name of a new call may still follow.
    if (piece.arguments === '' && (piece.id || piece.index !== null)) return undefined;
    return open ?? (piece.id || piece.index !== null ? undefined : last);
  }

  #beginsAnother(draft: PartialCall, piece: ToolCallDelta): boolean {
    if (!piece.name || !draft.name) return false;
    if (this.#isAnotherName(draft, piece)) return true;
    if (!isComplete(draft) || piece.arguments === '') return piece.id !== null && isComplete(draft);
    return (piece.id !== null && draft.ids.length > 0) || !repeatsWhole(draft, piece);
  }

  /** Whether the name neither repeats nor continues the call's own name. */
  #isAnotherName(draft: PartialCall, { id, index, name }: ToolCallDelta): boolean {
    if (!name || !draft.name || name.startsWith(draft.name)) return false;
    if (hasArguments(draft)) return true;
    const isTool = this.#isTool;
    if (isTool?.(draft.name + name)) return false;
    if (isTool?.(name)) return true;
    const isSameId = id === null || draft.ids.length === 0 || draft.ids.includes(id);
    return !(isSameId && (index === null ? id !== null : draft.index === index));
  }

  #nameOf(draft: PartialCall, name: string): string {
    if (draft.name === null || name.startsWith(draft.name)) return name;
    return hasArguments(draft) ? draft.name : draft.name + name;
  }

  /** Whether a call of the final message was already sent, in pieces or whole. */
  #isKnown({ id, name, arguments: text }: ToolCallDelta): boolean {
    return this.#partialCalls.some(
      (draft) =>
        !draft.isRepeat &&
        ((id !== null && draft.ids.includes(id) && isComplete(draft)) ||
          (draft.name === name && sameJson(argumentsText(draft), text || '{}'))),
    );
  }

  /** Merges calls whose parts came under different indexes, if only the merged arguments are JSON. */
  #joined(): PartialCall[] {
    const joined: PartialCall[] = [];
    for (const draft of this.#partialCalls) {
      const before = joined.at(-1);
      if (before && isContinuation(before, draft)) {
        before.name ??= draft.name;
        before.ids.push(...draft.ids);
        before.pieces.push(...draft.pieces);
      } else joined.push({ ...draft, ids: [...draft.ids], pieces: [...draft.pieces] });
    }
    return joined;
  }
}

function isContinuation(before: PartialCall, draft: PartialCall): boolean {
  if (isComplete(before) || (draft.name !== null && draft.name !== before.name)) return false;
  if (!hasArguments(draft)) return false;
  if (!hasArguments(before)) {
    return before.name === null || before.ids.length === 0 || draft.ids.length === 0;
  }
  // Arguments that do not start with an object are no call of their own.
  if (!argumentsText(draft).trimStart().startsWith('{')) return true;
  return isWholeObject(joinArguments([...before.pieces, ...draft.pieces])[0]!);
}
