/** Puts tool calls together from their pieces, also where the server leaves out index or id. */
import { randomUUID } from 'node:crypto';
import type { ModelToolCall } from '../contract/model.ts';
import type { ToolCallPiece } from './frame.ts';

/** More than this in one answer is a loop, not a plan; the rest is dropped. */
const CALLS_MAX = 64;

interface Draft {
  index: number | null;
  id: string | null;
  name: string | null;
  arguments: string;
}

export interface ToolCallAssembler {
  add(piece: ToolCallPiece): void;
  /** The calls in the order in which they began. A call without a name is dropped; one without an id gets one. */
  calls(): ModelToolCall[];
}

/** Whether the text is one complete JSON value. */
export function parsesAsJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

/** Whether a piece under a known index is a second call all the same: some servers number every call 0. */
function beginsAnother(draft: Draft, piece: ToolCallPiece): boolean {
  if (!piece.name || !draft.name) return false;
  if (piece.id && draft.id) return piece.id !== draft.id;
  return piece.arguments !== '' && parsesAsJson(draft.arguments);
}

function findDraft(drafts: readonly Draft[], piece: ToolCallPiece): Draft | undefined {
  if (piece.index !== null) {
    const draft = drafts.findLast((each) => each.index === piece.index);
    return draft && beginsAnother(draft, piece) ? undefined : draft;
  }
  if (piece.id) {
    const draft = drafts.findLast((each) => each.id === piece.id);
    if (draft) return draft;
  }
  return piece.name ? undefined : drafts.at(-1);
}

export function createToolCallAssembler(): ToolCallAssembler {
  const drafts: Draft[] = [];
  return {
    add(piece) {
      let draft = findDraft(drafts, piece);
      if (!draft) {
        if (drafts.length >= CALLS_MAX) return;
        draft = { index: piece.index, id: null, name: null, arguments: '' };
        drafts.push(draft);
      }
      draft.id ??= piece.id;
      draft.name ??= piece.name;
      draft.arguments = piece.whole ? piece.arguments : draft.arguments + piece.arguments;
    },
    calls() {
      return drafts.flatMap((draft) => {
        if (!draft.name) return [];
        const call = { name: draft.name, arguments: draft.arguments || '{}' };
        return [{ id: draft.id ?? `call_${randomUUID()}`, type: 'function', function: call }];
      });
    },
  };
}
