/**
 * Memos: written, edited, thrown away, and promoted to documents, which asks for a draft. A memo and the document
 * made of it are one row: the memo stays as it was written beside its markdown.
 *
 * 1. A draft of an older text is no draft: who edits a promoted memo gets a new one.
 * 2. Promoting twice asks for one draft.
 */
import type { Clock } from '../lib/clock.ts';
import { GatehouseError } from '../lib/errors.ts';
import type { Chronicle, Tell } from './chronicle.ts';
import type { Document } from './document.ts';
import type { ListedDocument } from './document-port.ts';
import type { DraftStorage } from './draft-port.ts';
import { isStale, versionInForce } from './draft-versions.ts';
import { titleOf, type Library } from './library.ts';

export interface MemoChange {
  text?: string | undefined;
  title?: string | undefined;
}

export interface Memos {
  /** Durable when it returns. */
  create(userId: string, memo: { text: string; title?: string | undefined }): Document;
  /** @throws GH_MEMO_NOT_FOUND */
  edit(userId: string, id: string, change: MemoChange): Document;
  /** Newest first. */
  list(userId: string, page: { limit: number; before?: string | undefined }): ListedDocument[];
  /**
   * Asks for a draft; idempotent. A dead letter is tried again.
   * @returns the id of the document, which is that of the memo
   * @throws GH_MEMO_NOT_FOUND
   */
  promote(userId: string, id: string): string;
  /** Takes any document out of sight, and with it what waits to be drafted. False where there was none. */
  remove(userId: string, id: string): boolean;
  /** A person wants this draft now, with all attempts again. `userId` null: whoever's it is. @throws GH_DRAFT_NOT_FOUND */
  retry(userId: string | null, id: string): void;
}

export interface MemosParts {
  library: Library;
  drafts: DraftStorage;
  chronicle: Chronicle;
  clock: Clock;
  /** The live draft actor. */
  drafter: { wake(): void; retry(): void; interrupt(documentId: string): void };
}

export const isMemo = (document: Document): boolean =>
  document.sourceMetadata.source === 'memo' || document.contentOrigin === 'memo';

export function createMemos(parts: MemosParts): Memos {
  const { library, drafts, chronicle, clock, drafter } = parts;

  const enqueue = (document: Document, reason: string, tell: Tell): void =>
    enqueueDraft(drafts, document, { reason, at: clock.now() }, tell);

  return {
    create: (userId, memo) => library.create(userId, { ...memo, origin: 'memo' }),

    edit(userId, id, change) {
      const { document, isRunning } = chronicle.change((tell) => {
        const current = memoOf(library, userId, id);
        const next = changed(current, change);
        const isOutdated = next.extractedText !== current.extractedText && wantsDraft(current);
        const stored = library.change(userId, id, () => (isOutdated ? mark(next) : next)) ?? next;
        const isRunning = drafts.find(id)?.state === 'drafting';
        // What runs compares the text itself, and queues the memo again.
        if (isOutdated && !isRunning) enqueue(stored, 'edited', tell);
        return { document: stored, isRunning: isOutdated && isRunning };
      });
      if (isRunning) drafter.interrupt(id);
      else drafter.wake();
      return document;
    },

    list: (userId, page) => library.list(userId, { ...page, memosOnly: true }),

    promote(userId, id) {
      chronicle.change((tell) => {
        const current = memoOf(library, userId, id);
        const waits = current.sourceMetadata.needs_draft === true;
        const isDead = drafts.find(id)?.state === 'dead';
        const inForce = versionInForce(drafts.versions(id));
        const isDone =
          current.contentOrigin === 'ai_drafted' && inForce !== null && !isStale(inForce, current);
        if (waits ? !isDead : isDone) return;
        library.change(userId, id, mark);
        enqueue(current, isDead ? 'retry' : 'promoted', tell);
      });
      drafter.wake();
      return id;
    },

    remove(userId, id) {
      const isRemoved = chronicle.change((tell) => {
        const current = library.get(userId, id);
        if (current === null || !library.remove(userId, id)) return false;
        const isRunning = drafts.find(id)?.state === 'drafting';
        if (current.sourceMetadata.needs_draft === true && !isRunning) {
          drafts.remove(id);
          const of = { documentId: id, userId: current.owner, at: clock.now() };
          tell({ ...of, type: 'skipped', state: 'none', data: { reason: 'deleted' } });
        }
        return true;
      });
      drafter.interrupt(id);
      return isRemoved;
    },

    retry(userId, id) {
      chronicle.change((tell) => {
        const listed = drafts.listed(id);
        const document = listed === null ? null : library.get(userId ?? listed.owner, id);
        if (listed === null || document === null) throw new GatehouseError('GH_DRAFT_NOT_FOUND');
        if (listed.state !== 'drafting') enqueue(document, 'retry', tell);
        // What runs goes on, and counts for nothing should it fail.
        else drafts.put({ ...listed, attempts: 0 });
      });
      drafter.retry();
    },
  };
}

/** From the beginning: all attempts, and due at once. */
function enqueueDraft(
  drafts: DraftStorage,
  { id: documentId, owner: userId }: Document,
  { reason, at }: { reason: string; at: number },
  tell: Tell,
): void {
  drafts.put({
    documentId,
    state: 'waiting',
    attempts: 0,
    dueAt: at,
    queuedAt: at,
    claimedAt: null,
    lastCode: null,
    lastError: null,
  });
  tell({ documentId, userId, type: 'queued', state: 'waiting', at, data: { reason } });
}

const mark = (document: Document): Document => ({
  ...document,
  sourceMetadata: { ...document.sourceMetadata, needs_draft: true },
});

function memoOf(library: Library, userId: string, id: string): Document {
  const document = library.get(userId, id);
  if (document === null || !isMemo(document)) throw new GatehouseError('GH_MEMO_NOT_FOUND');
  return document;
}

/** A draft is waited for, or was made of what the memo said before. */
const wantsDraft = ({ sourceMetadata, contentOrigin }: Document): boolean =>
  sourceMetadata.needs_draft === true || contentOrigin === 'ai_drafted';

function changed(current: Document, { text, title }: MemoChange): Document {
  const extractedText = text ?? current.extractedText;
  // A title that was the first line goes on being it.
  const wasFirstLine = current.title === titleOf(undefined, current.extractedText);
  const kept = wasFirstLine ? titleOf(undefined, extractedText) : current.title;
  return {
    ...current,
    extractedText,
    title: title === undefined ? kept : titleOf(title, extractedText),
  };
}
