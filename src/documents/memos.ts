/**
 * Memos: written, edited, thrown away, and promoted to documents, which asks for a draft. A memo and the document
 * made of it are one row: the memo stays as it was written beside its markdown.
 *
 * 1. A draft of an older text is no draft: who edits a promoted memo gets a new one.
 * 2. Promoting twice asks for one draft.
 * 3. A text that is what the document's version was made of again needs no new draft: none overtakes that version.
 */
import type { DraftRecord, DraftStorage } from '../contract/draft-storage.ts';
import type { Clock } from '../lib/clock.ts';
import { GatehouseError } from '../lib/errors.ts';
import type { Chronicle, Tell } from './chronicle.ts';
import type { Document } from './document.ts';
import type { ListedDocument } from './document-port.ts';
import { isStale, marked, settledState, versionInForce } from './draft-versions.ts';
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
   * Asks for a draft; idempotent. A dead letter is tried again; what waits for its first attempt is due.
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

  return {
    create: (userId, memo) =>
      library.ahead([memo.text], () => library.create(userId, { ...memo, origin: 'memo' })),

    async edit(userId, id, change) {
      const { extractedText, mdContent } = memoOf(library, userId, id);
      const { document, isRunning } = await library.ahead(
        [change.text ?? extractedText, mdContent],
        () => chronicle.change((tell) => editMemo(parts, userId, id, change, tell)),
      );
      if (isRunning) drafter.interrupt(id);
      else drafter.wake();
      return document;
    },

    list: (userId, page) => library.list(userId, { ...page, memosOnly: true }),

    promote(userId, id) {
      chronicle.change((tell) => promoteMemo(parts, userId, id, tell));
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
        if (listed.state !== 'drafting') enqueue(parts, document, 'retry', tell);
        // What runs goes on, and counts for nothing should it fail.
        else drafts.put({ ...listed, attempts: 0 });
      });
      drafter.retry();
    },
  };
}

type Writing = Pick<MemosParts, 'library' | 'drafts' | 'clock'>;

/** The memo with the change; `isRunning`: a draft of it runs that is of another text now. */
function editMemo(
  parts: Writing,
  userId: string,
  id: string,
  change: MemoChange,
  tell: Tell,
): { document: Document; isRunning: boolean } {
  const { library, drafts, clock } = parts;
  const put = (next: Document): Document => library.change(userId, id, () => next) ?? next;
  const current = memoOf(library, userId, id);
  const next = changed(current, change);
  const isOther = next.extractedText !== current.extractedText && wantsDraft(current);
  if (!isOther) return { document: put(next), isRunning: false };
  const inForce = versionInForce(drafts.versions(id));
  const isOutdated = inForce === null || isStale(inForce, next);
  const document = put(marked(next, isOutdated));
  // What runs compares text and marker itself, and queues the memo again or not.
  const isRunning = drafts.find(id)?.state === 'drafting';
  if (isRunning) return { document, isRunning };
  if (isOutdated) enqueue(parts, document, 'edited', tell);
  else if (current.sourceMetadata.needs_draft === true) {
    const of = { documentId: id, userId: current.owner, at: clock.now() };
    const state = settledState(document);
    tell({ ...of, type: 'skipped', state, data: { reason: 'withdrawn' } });
  }
  return { document, isRunning };
}

function promoteMemo(parts: Writing, userId: string, id: string, tell: Tell): void {
  const { library, drafts, clock } = parts;
  const current = memoOf(library, userId, id);
  const record = drafts.find(id);
  const isDead = record?.state === 'dead';
  if (current.sourceMetadata.needs_draft === true && !isDead) {
    pullIn(drafts, record, clock.now());
    return;
  }
  const inForce = versionInForce(drafts.versions(id));
  const isDone =
    current.contentOrigin === 'ai_drafted' && inForce !== null && !isStale(inForce, current);
  if (isDone && !isDead) return;
  library.change(userId, id, (document) => marked(document, true));
  enqueue(parts, current, isDead ? 'retry' : 'promoted', tell);
}

/** A time ahead is no reason to wait for the first attempt: the clock may have been wrong. */
function pullIn(drafts: DraftStorage, record: DraftRecord | null, now: number): void {
  if (record?.state !== 'waiting' || record.attempts > 0 || record.dueAt <= now) return;
  drafts.put({ ...record, dueAt: now, queuedAt: Math.min(record.queuedAt, now) });
}

/** From the beginning: all attempts, and due at once; in front of all others where a person tries again. */
function enqueue(
  { drafts, clock }: Writing,
  { id: documentId, owner: userId }: Document,
  reason: 'edited' | 'promoted' | 'retry',
  tell: Tell,
): void {
  const at = clock.now();
  drafts.put({
    documentId,
    state: 'waiting',
    attempts: 0,
    dueAt: reason === 'retry' ? 0 : at,
    queuedAt: at,
    claimedAt: null,
    lastCode: null,
    lastError: null,
  });
  tell({ documentId, userId, type: 'queued', state: 'waiting', at, data: { reason } });
}

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
