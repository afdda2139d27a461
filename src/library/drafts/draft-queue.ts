/**
 * Which memo is drafted next, and the result of each attempt: all on disk, each step one transaction, none of them open
 * while a model works.
 *
 * 1. An attempt is counted before the model is called. A killed process leaves a claim, and the attempt counts.
 * 2. A draft is stored only for the current text: text and deletion are checked in the same transaction.
 * 3. A memo that fails waits longer each time, and after `maxAttempts` it is a dead letter. Other memos continue.
 * 4. The memo's own text is never written here (P11).
 */
import type { DraftRecord, DraftSection, DraftStorage } from './draft-storage-port.ts';
import { exponentialDelayMs } from '#shared/backoff';
import type { Clock } from '#shared/clock';
import type { ErrorCode } from '#shared/errors';
import type { FaultInjector } from '#shared/fault-points';
import type { DocumentOutbox, AppendEvent } from '../document-outbox.ts';
import type { Document } from '../document.ts';
import type { DocumentStorage } from '../document-port.ts';
import type { DraftFailure } from './parse-draft.ts';
import {
  isStale,
  withNeedsDraft,
  withVersion,
  idleState,
  sha256Of,
  currentVersionWithText,
  currentVersion,
  withoutMarkdown,
} from '../document-versions.ts';
import type { Library } from '../library.ts';

/** A memo that was claimed for drafting. */
export interface Claim {
  documentId: string;
  owner: string;
  title: string;
  text: string;
  textSha256: string;
  /** From 1. */
  attempt: number;
  /** When it became due, epoch ms. */
  dueAt: number;
}

/** Why an attempt is released: a released attempt does not count. */
export type ReleaseReason = 'paused' | 'stopping' | 'interrupted' | 'backend_away';

export interface DraftQueueParts {
  library: Pick<Library, 'change' | 'transaction'>;
  documents: Pick<DocumentStorage, 'find'>;
  drafts: DraftStorage;
  outbox: DocumentOutbox;
  clock: Clock;
  faults: FaultInjector;
  /** Texts with fewer characters need no draft. */
  minChars: number;
  maxAttempts: number;
  /** The delay after the first failure, in ms. */
  intervalMs: number;
}

/** Factor between two delays: 2, 8, 32, 128 minutes, so that five attempts span an evening. */
const backoffGrowth = 4;
const backoffMsMax = 12 * 60 * 60_000;

/** Too short memos that one transaction skips, at most. */
const skippedMemosMax = 100;

export const createDraftQueue = (parts: DraftQueueParts): DraftQueue => new DraftQueue(parts);

export class DraftQueue {
  readonly #parts: DraftQueueParts;

  constructor(parts: DraftQueueParts) {
    this.#parts = parts;
  }

  /** Claims the memo that is due first; null when none is due. Skips memos that are too short for a draft. */
  claimNext(): Claim | null {
    const { outbox, clock, drafts, documents } = this.#parts;
    return outbox.commit((append) => {
      const now = clock.now();
      drafts.rescheduleFutureDates(now, backoffMsMax);
      for (let skips = 0; skips < skippedMemosMax; skips += 1) {
        const id = drafts.nextDue(now);
        const document = id === null ? null : documents.find(id);
        if (document === null) return null;
        if (!this.#isTooShort(document.extractedText)) return this.#claim(document, now, append);
        const withdrawn = this.#withdrawDraft(document);
        this.#appendEvent(append, document, 'skipped', idleState(withdrawn), {
          reason: 'too_short',
        });
      }
      return null;
    });
  }

  /** Stores the draft, unless the memo was edited, deleted or withdrawn meanwhile. */
  complete(claim: Claim, markdown: string, backend: string): void {
    this.#endAttempt(claim, (append, document, now) => {
      const { drafts, library, faults } = this.#parts;
      for (const { version, status } of drafts.versions(document.id)) {
        if (status === 'draft') drafts.setVersionStatus(document.id, version, 'replaced');
      }
      const version = drafts.addVersion({
        documentId: document.id,
        madeBy: 'draft',
        status: 'draft',
        at: now,
        textSha256: claim.textSha256,
        mdContent: markdown,
      });
      drafts.remove(document.id);
      faults.reach('draft.withinWrite', document.id);
      library.change(document.owner, document.id, (current) => ({
        ...current,
        mdContent: markdown,
        contentOrigin: 'ai_drafted',
        mdDraftStatus: 'draft',
        mdStatus: 'success',
        mdExtractionEngine: 'ai_draft',
        mdGeneratedAt: now,
        sourceMetadata: {
          ...current.sourceMetadata,
          drafted_at: new Date(now).toISOString(),
          needs_draft: false,
        },
      }));
      const chars = markdown.length;
      this.#appendEvent(append, document, 'drafted', 'draft', { version, chars, backend });
    });
  }

  fail(claim: Claim, failure: DraftFailure): void {
    this.#endAttempt(claim, (append, document, now, record) => {
      // All attempts were granted again while it ran: the first of them comes next.
      const dueAt = record.attempts === 0 ? 0 : now + this.#backoffMs(record.attempts);
      const { attempt } = claim;
      this.#markFailed(append, document, { ...record, dueAt }, { ...failure, attempt });
    });
  }

  release(claim: Claim, reason: ReleaseReason, errorReason: string | null = null): void {
    this.#endAttempt(claim, (append, document, now, record) => {
      // Behind the others when the server is unavailable: one memo must not block all others for ever.
      const dueAt = reason === 'backend_away' ? now : claim.dueAt;
      this.#parts.drafts.save(requeued(record, dueAt));
      const why = errorReason === null ? {} : { error_reason: errorReason };
      this.#appendEvent(append, document, 'queued', 'waiting', { reason, ...why });
    });
  }

  /** Sections that this attempt or an earlier one has finished. */
  sections(claim: Claim): DraftSection[] {
    return this.#parts.drafts.sections(claim.documentId);
  }

  /** Keeps a finished section beyond the end of the attempt, so that it is not requested again. */
  saveSection({ documentId }: Claim, section: Omit<DraftSection, 'documentId'>): void {
    const { library, drafts } = this.#parts;
    library.transaction(() => drafts.saveSection({ documentId, ...section }));
  }

  /** Appends an event of a running attempt. */
  report(claim: Claim, type: 'progress' | 'preempted', data: Record<string, unknown>): void {
    this.#parts.outbox.commit((append) =>
      this.#appendEvent(
        append,
        { id: claim.documentId, owner: claim.owner },
        type,
        'drafting',
        data,
      ),
    );
  }

  /** Marks the claims of a killed process as failed attempts. Call only when no attempt runs. */
  recoverAbandoned(): void {
    const { outbox, drafts, documents } = this.#parts;
    outbox.commit((append) => {
      for (const record of drafts.claimed()) {
        const document = documents.find(record.documentId);
        if (document === null || !isWanted(document)) drafts.remove(record.documentId);
        else {
          this.#markFailed(append, document, record, {
            code: 'GH_DRAFT_INTERRUPTED',
            message: 'the process ended during the attempt',
            errorReason: null,
            attempt: Math.max(1, record.attempts),
          });
        }
      }
    });
  }

  #claim(document: Document, now: number, append: AppendEvent): Claim {
    const { drafts } = this.#parts;
    const known = drafts.find(document.id);
    const attempts = (known?.attempts ?? 0) + 1;
    const record: DraftRecord = {
      documentId: document.id,
      state: 'drafting',
      attempts,
      dueAt: 0,
      queuedAt: known?.queuedAt ?? now,
      claimedAt: now,
      lastCode: known?.lastCode ?? null,
      lastError: known?.lastError ?? null,
    };
    drafts.save({ ...record, dueAt: now + this.#backoffMs(attempts) });
    this.#appendEvent(append, document, 'drafting', 'drafting', { attempt: attempts });
    return {
      documentId: document.id,
      owner: document.owner,
      title: document.title,
      text: document.extractedText,
      textSha256: sha256Of(document.extractedText),
      attempt: attempts,
      dueAt: known?.dueAt ?? 0,
    };
  }

  /** Runs `write` if the memo is still as it was claimed; else appends an event with what has changed. */
  #endAttempt(
    claim: Claim,
    write: (append: AppendEvent, document: Document, now: number, record: DraftRecord) => void,
  ): void {
    const { outbox, clock, drafts, documents } = this.#parts;
    outbox.commit((append) => {
      const now = clock.now();
      const document = documents.find(claim.documentId);
      const record = drafts.find(claim.documentId);
      if (document === null || record?.state !== 'drafting') return;
      if (!isWanted(document)) {
        drafts.remove(document.id);
        const isGone = document.deletedAt !== null;
        const state = isGone ? 'none' : idleState(document);
        const reason = isGone ? 'deleted' : 'withdrawn';
        this.#appendEvent(append, document, 'skipped', state, { reason });
      } else if (sha256Of(document.extractedText) !== claim.textSha256) {
        drafts.save(requeued(record, now));
        this.#appendEvent(append, document, 'queued', 'waiting', { reason: 'edited' });
      } else write(append, document, now, record);
    });
  }

  #markFailed(
    append: AppendEvent,
    document: Document,
    record: DraftRecord,
    { code, message, errorReason, attempt }: DraftFailure & { attempt: number },
  ): void {
    const isDead = record.attempts >= this.#parts.maxAttempts || isPermanentFailure(code);
    this.#parts.drafts.save({
      ...record,
      state: isDead ? 'dead' : 'waiting',
      claimedAt: null,
      lastCode: code,
      lastError: message,
    });
    const why = { code, message, ...(errorReason === null ? {} : { error_reason: errorReason }) };
    const state = isDead ? 'dead' : 'waiting';
    const nextTryAt = new Date(Math.max(record.dueAt, this.#parts.clock.now()));
    this.#appendEvent(append, document, 'failed', state, {
      ...why,
      attempt,
      next_try_at: isDead ? null : nextTryAt.toISOString(),
    });
    if (isDead) this.#appendEvent(append, document, 'dead', state, { ...why, attempts: attempt });
  }

  #appendEvent(
    append: AppendEvent,
    { id, owner }: Pick<Document, 'id' | 'owner'>,
    type: Parameters<AppendEvent>[0]['type'],
    state: Parameters<AppendEvent>[0]['state'],
    data: Record<string, unknown>,
  ): void {
    append({ documentId: id, userId: owner, type, state, at: this.#parts.clock.now(), data });
  }

  /**
   * Clears the need for a draft. Markdown that was made from an older text is removed or replaced; its versions stay.
   */
  #withdrawDraft(document: Document): Document {
    const { drafts, library } = this.#parts;
    const inForce = currentVersion(drafts.versions(document.id));
    const isOutdated = inForce !== null && isStale(inForce, document);
    for (const version of isOutdated ? drafts.versions(document.id) : []) {
      const isOpen = version.status === 'draft' || version.status === 'accepted';
      if (isOpen && isStale(version, document)) {
        drafts.setVersionStatus(document.id, version.version, 'replaced');
      }
    }
    drafts.remove(document.id);
    const unmarked = withNeedsDraft(document, false);
    const left = currentVersionWithText(drafts, document.id);
    const shown = left === null ? withoutMarkdown(unmarked) : withVersion(left);
    const next = isOutdated ? { ...unmarked, ...shown } : unmarked;
    return library.change(document.owner, document.id, () => next) ?? next;
  }

  #isTooShort(text: string): boolean {
    const { minChars } = this.#parts;
    // A character has at most two UTF-16 units.
    return Array.from(text.trim().slice(0, 2 * minChars)).length < minChars;
  }

  #backoffMs(attempts: number): number {
    return exponentialDelayMs(attempts - 1, this.#parts.intervalMs, backoffMsMax, backoffGrowth);
  }
}

/** The record as before the claim. */
const requeued = (record: DraftRecord, dueAt: number): DraftRecord => ({
  ...record,
  state: 'waiting',
  // Already 0 when all attempts were granted again while it ran.
  attempts: Math.max(0, record.attempts - 1),
  claimedAt: null,
  dueAt,
});

const isWanted = ({ deletedAt, sourceMetadata }: Document): boolean =>
  deletedAt === null && sourceMetadata.needs_draft === true;

/** Another attempt at the same memo would fail in the same way. */
const isPermanentFailure = (code: ErrorCode): boolean => code === 'GH_DRAFT_TOO_LONG';
