/**
 * Memos: created, edited, deleted, and promoted to documents, which requests a draft. A memo and the document made from
 * it are one row: the memo stays as it was written beside its markdown.
 *
 * 1. A draft of an older text does not count: editing a promoted memo requests a new draft.
 * 2. Promoting twice requests one draft.
 * 3. A text that is again the one from which the document's version was made needs no new draft: no draft replaces that
 *    version.
 */
import type { DraftRecord, DraftStorage } from './drafts/draft-storage-port.ts';
import type { Clock } from '#shared/clock';
import { GatehouseError } from '#shared/errors';
import type { DocumentOutbox, AppendEvent } from './document-outbox.ts';
import type { Document } from './document.ts';
import type { ListedDocument } from './document-port.ts';
import { isStale, withNeedsDraft, idleState, currentVersion } from './document-versions.ts';
import { titleOf, type Library } from './library.ts';

export interface MemoChange {
  text?: string | undefined;
  title?: string | undefined;
}

export interface Memos {
  /** Durable when it resolves. */
  create(userId: string, memo: { text: string; title?: string | undefined }): Promise<Document>;
  /** @throws GH_MEMO_NOT_FOUND */
  edit(userId: string, id: string, change: MemoChange): Promise<Document>;
  /** Newest first. */
  list(userId: string, page: { limit: number; before?: string | undefined }): ListedDocument[];
  /**
   * Requests a draft; idempotent. A dead letter is retried; a memo that waits for its first attempt becomes due.
   * @returns the id of the document, which is that of the memo
   * @throws GH_MEMO_NOT_FOUND
   */
  promote(userId: string, id: string): string;
  /** Deletes any document, and its pending draft. False when there was none. */
  remove(userId: string, id: string): boolean;
  /**
   * A person requests this draft now: it gets all attempts again. `userId` null: of any user. @throws
   * GH_DRAFT_NOT_FOUND
   */
  retry(userId: string | null, id: string): void;
}

export interface MemosParts {
  library: Library;
  drafts: DraftStorage;
  outbox: DocumentOutbox;
  clock: Clock;
  /** The draft worker. */
  drafter: { wake(): void; retry(): void; interrupt(documentId: string): void };
}

export const isMemo = (document: Document): boolean =>
  document.sourceMetadata.source === 'memo' || document.contentOrigin === 'memo';

export function createMemos(parts: MemosParts): Memos {
  const { library, drafts, outbox, clock, drafter } = parts;

  return {
    create: (userId, memo) =>
      library.tokenizeBefore([memo.text], () =>
        library.create(userId, { ...memo, origin: 'memo' }),
      ),

    async edit(userId, id, change) {
      const { extractedText, mdContent } = requireMemo(library, userId, id);
      const { document, isRunning } = await library.tokenizeBefore(
        [change.text ?? extractedText, mdContent],
        () => outbox.commit((append) => editMemo(parts, userId, id, change, append)),
      );
      if (isRunning) drafter.interrupt(id);
      else drafter.wake();
      return document;
    },

    list: (userId, page) => library.list(userId, { ...page, memosOnly: true }),

    promote(userId, id) {
      outbox.commit((append) => promoteMemo(parts, userId, id, append));
      drafter.wake();
      return id;
    },

    remove(userId, id) {
      const isRemoved = outbox.commit((append) => {
        const current = library.get(userId, id);
        if (current === null || !library.remove(userId, id)) return false;
        const isRunning = drafts.find(id)?.state === 'drafting';
        if (current.sourceMetadata.needs_draft === true && !isRunning) {
          drafts.remove(id);
          const of = { documentId: id, userId: current.owner, at: clock.now() };
          append({ ...of, type: 'skipped', state: 'none', data: { reason: 'deleted' } });
        }
        return true;
      });
      drafter.interrupt(id);
      return isRemoved;
    },

    retry(userId, id) {
      outbox.commit((append) => {
        const listed = drafts.findListed(id);
        const document = listed === null ? null : library.get(userId ?? listed.owner, id);
        if (listed === null || document === null) throw new GatehouseError('GH_DRAFT_NOT_FOUND');
        if (listed.state !== 'drafting') enqueue(parts, document, 'retry', append);
        // A running attempt continues, and does not count if it fails.
        else drafts.save({ ...listed, attempts: 0 });
      });
      drafter.retry();
    },
  };
}

type MemoWriteParts = Pick<MemosParts, 'library' | 'drafts' | 'clock'>;

/** Stores the changed memo; `isRunning`: a draft of the previous text is running. */
function editMemo(
  parts: MemoWriteParts,
  userId: string,
  id: string,
  change: MemoChange,
  append: AppendEvent,
): { document: Document; isRunning: boolean } {
  const { library, drafts, clock } = parts;
  const storeDocument = (next: Document): Document =>
    library.change(userId, id, () => next) ?? next;
  const current = requireMemo(library, userId, id);
  const next = applyChange(current, change);
  const isTextChanged = next.extractedText !== current.extractedText && needsDraft(current);
  if (!isTextChanged) return { document: storeDocument(next), isRunning: false };
  const inForce = currentVersion(drafts.versions(id));
  const isOutdated = inForce === null || isStale(inForce, next);
  const document = storeDocument(withNeedsDraft(next, isOutdated));
  // A running attempt compares text and marker itself, and queues the memo again if needed.
  const isRunning = drafts.find(id)?.state === 'drafting';
  if (isRunning) return { document, isRunning };
  if (isOutdated) enqueue(parts, document, 'edited', append);
  else if (current.sourceMetadata.needs_draft === true) {
    const of = { documentId: id, userId: current.owner, at: clock.now() };
    const state = idleState(document);
    append({ ...of, type: 'skipped', state, data: { reason: 'withdrawn' } });
  }
  return { document, isRunning };
}

function promoteMemo(parts: MemoWriteParts, userId: string, id: string, append: AppendEvent): void {
  const { library, drafts, clock } = parts;
  const current = requireMemo(library, userId, id);
  const record = drafts.find(id);
  const isDead = record?.state === 'dead';
  if (current.sourceMetadata.needs_draft === true && !isDead) {
    makeDueNow(drafts, record, clock.now());
    return;
  }
  const inForce = currentVersion(drafts.versions(id));
  const isDone =
    current.contentOrigin === 'ai_drafted' && inForce !== null && !isStale(inForce, current);
  if (isDone && !isDead) return;
  library.change(userId, id, (document) => withNeedsDraft(document, true));
  enqueue(parts, current, isDead ? 'retry' : 'promoted', append);
}

/** A due time in the future does not delay the first attempt: the clock may have been wrong. */
function makeDueNow(drafts: DraftStorage, record: DraftRecord | null, now: number): void {
  if (record?.state !== 'waiting' || record.attempts > 0 || record.dueAt <= now) return;
  drafts.save({ ...record, dueAt: now, queuedAt: Math.min(record.queuedAt, now) });
}

/** Starts over: all attempts, and due at once; before all others when a person retries. */
function enqueue(
  { drafts, clock }: MemoWriteParts,
  { id: documentId, owner: userId }: Document,
  reason: 'edited' | 'promoted' | 'retry',
  append: AppendEvent,
): void {
  const at = clock.now();
  drafts.save({
    documentId,
    state: 'waiting',
    attempts: 0,
    dueAt: reason === 'retry' ? 0 : at,
    queuedAt: at,
    claimedAt: null,
    lastCode: null,
    lastError: null,
  });
  append({ documentId, userId, type: 'queued', state: 'waiting', at, data: { reason } });
}

function requireMemo(library: Library, userId: string, id: string): Document {
  const document = library.get(userId, id);
  if (document === null || !isMemo(document)) throw new GatehouseError('GH_MEMO_NOT_FOUND');
  return document;
}

/** A draft is pending, or was made from the previous text. */
const needsDraft = ({ sourceMetadata, contentOrigin }: Document): boolean =>
  sourceMetadata.needs_draft === true || contentOrigin === 'ai_drafted';

function applyChange(current: Document, { text, title }: MemoChange): Document {
  const extractedText = text ?? current.extractedText;
  // A title that was the first line follows the new first line.
  const wasFirstLine = current.title === titleOf(undefined, current.extractedText);
  const kept = wasFirstLine ? titleOf(undefined, extractedText) : current.title;
  return {
    ...current,
    extractedText,
    title: title === undefined ? kept : titleOf(title, extractedText),
  };
}
