/**
 * Memos: created, edited, deleted, and promoted to documents, which requests a draft. A memo and the document made from
 * it are one row: the memo stays as it was written beside its markdown.
 *
 * 1. A draft of an older text does not count: editing a promoted memo requests a new draft.
 * 2. Promoting twice requests one draft.
 * 3. A text that is again the one from which the document's version was made needs no new draft: no draft replaces that
 *    version.
 */
import type { DraftRecord } from './drafts/draft-storage-port.ts';
import type { Clock } from '#shared/clock';
import { GatehouseError } from '#shared/errors';
import type { Document } from './document.ts';
import type { ListedDocument } from './document-port.ts';
import { isStale, withNeedsDraft, idleState, currentVersion } from './document-versions.ts';
import { titleOf, type Library } from './library.ts';
import type { Changes } from './library-changes.ts';

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
  list(
    userId: string,
    page: { limit: number; before?: string | undefined },
  ): Promise<ListedDocument[]>;
  /**
   * Requests a draft; idempotent. A dead letter is retried; a memo that waits for its first attempt becomes due.
   * @returns the id of the document, which is that of the memo
   * @throws GH_MEMO_NOT_FOUND
   */
  promote(userId: string, id: string): Promise<string>;
  /** Deletes any document, and its pending draft. False when there was none. */
  remove(userId: string, id: string): Promise<boolean>;
  /**
   * A person requests this draft now: it gets all attempts again. `userId` null: of any user. @throws
   * GH_DRAFT_NOT_FOUND
   */
  retry(userId: string | null, id: string): Promise<void>;
}

export interface MemosParts {
  library: Library;
  clock: Clock;
  /** The draft worker. */
  drafter: { wake(): void; retry(): void; interrupt(documentId: string): void };
}

export const isMemo = (document: Document): boolean =>
  document.sourceMetadata.source === 'memo' || document.contentOrigin === 'memo';

export function createMemos(parts: MemosParts): Memos {
  const { library, clock, drafter } = parts;

  return {
    create: (userId, memo) => library.create(userId, { ...memo, origin: 'memo' }),

    async edit(userId, id, change) {
      const { document, isRunning } = await library.commit(id, (changes) =>
        editMemo(parts, userId, id, change, changes),
      );
      if (isRunning) drafter.interrupt(id);
      else drafter.wake();
      return document;
    },

    list: (userId, page) => library.list(userId, { ...page, memosOnly: true }),

    async promote(userId, id) {
      await library.commit(id, (changes) => promoteMemo(parts, userId, id, changes));
      drafter.wake();
      return id;
    },

    async remove(userId, id) {
      const isRemoved = await library.commit(id, async (changes) => {
        const current = await library.get(userId, id, changes);
        if (current === null) return false;
        const record = await changes.findDraft(id);
        await changes.replace(current, { ...current, deletedAt: clock.now() });
        if (current.sourceMetadata.needs_draft === true && record?.state !== 'drafting') {
          changes.removeDraft(id);
          const of = { documentId: id, userId: current.owner, at: clock.now() };
          changes.append({ ...of, type: 'skipped', state: 'none', data: { reason: 'deleted' } });
        }
        return true;
      });
      drafter.interrupt(id);
      return isRemoved;
    },

    async retry(userId, id) {
      await library.commit(id, async (changes) => {
        const record = await changes.findDraft(id);
        const found = await changes.find(id);
        const document = found && (await library.get(userId ?? found.owner, id, changes));
        if (record === null || document === null) throw new GatehouseError('GH_DRAFT_NOT_FOUND');
        if (record.state !== 'drafting') enqueue(parts, document, 'retry', changes);
        // A running attempt continues, and does not count if it fails.
        else changes.saveDraft({ ...record, attempts: 0 });
      });
      drafter.retry();
    },
  };
}

type MemoWriteParts = Pick<MemosParts, 'library' | 'clock'>;

/** Stores the changed memo; `isRunning`: a draft of the previous text is running. */
async function editMemo(
  parts: MemoWriteParts,
  userId: string,
  id: string,
  change: MemoChange,
  changes: Changes,
): Promise<{ document: Document; isRunning: boolean }> {
  const { library, clock } = parts;
  const current = await requireMemo(library, userId, id, changes);
  const next = applyChange(current, change);
  const isTextChanged = next.extractedText !== current.extractedText && needsDraft(current);
  if (!isTextChanged) return { document: await changes.replace(current, next), isRunning: false };
  const inForce = currentVersion(await changes.versions(id));
  const isOutdated = inForce === null || isStale(inForce, next);
  // A running attempt compares text and marker itself, and queues the memo again if needed.
  const isRunning = (await changes.findDraft(id))?.state === 'drafting';
  const document = await changes.replace(current, withNeedsDraft(next, isOutdated));
  if (isRunning) return { document, isRunning };
  if (isOutdated) enqueue(parts, document, 'edited', changes);
  else if (current.sourceMetadata.needs_draft === true) {
    const of = { documentId: id, userId: current.owner, at: clock.now() };
    const state = idleState(document);
    changes.append({ ...of, type: 'skipped', state, data: { reason: 'withdrawn' } });
  }
  return { document, isRunning };
}

async function promoteMemo(
  parts: MemoWriteParts,
  userId: string,
  id: string,
  changes: Changes,
): Promise<void> {
  const { library, clock } = parts;
  const current = await requireMemo(library, userId, id, changes);
  const record = await changes.findDraft(id);
  const isDead = record?.state === 'dead';
  if (current.sourceMetadata.needs_draft === true && !isDead) {
    makeDueNow(changes, record, clock.now());
    return;
  }
  const inForce = currentVersion(await changes.versions(id));
  const isDone =
    current.contentOrigin === 'ai_drafted' && inForce !== null && !isStale(inForce, current);
  if (isDone && !isDead) return;
  await changes.replace(current, withNeedsDraft(current, true));
  enqueue(parts, current, isDead ? 'retry' : 'promoted', changes);
}

/** A due time in the future does not delay the first attempt: the clock may have been wrong. */
function makeDueNow(changes: Changes, record: DraftRecord | null, now: number): void {
  if (record?.state !== 'waiting' || record.attempts > 0 || record.dueAt <= now) return;
  changes.saveDraft({ ...record, dueAt: now, queuedAt: Math.min(record.queuedAt, now) });
}

/** Starts over: all attempts, and due at once; before all others when a person retries. */
function enqueue(
  { clock }: MemoWriteParts,
  { id: documentId, owner: userId }: Document,
  reason: 'edited' | 'promoted' | 'retry',
  changes: Changes,
): void {
  const at = clock.now();
  changes.saveDraft({
    documentId,
    state: 'waiting',
    attempts: 0,
    dueAt: reason === 'retry' ? 0 : at,
    queuedAt: at,
    claimedAt: null,
    lastCode: null,
    lastError: null,
  });
  changes.append({ documentId, userId, type: 'queued', state: 'waiting', at, data: { reason } });
}

async function requireMemo(
  library: Library,
  userId: string,
  id: string,
  changes: Changes,
): Promise<Document> {
  const document = await library.get(userId, id, changes);
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
