/**
 * Which memo is drafted next, and the result of each attempt: all on disk, each step one command of the store, none of
 * them open while a model works.
 *
 * 1. An attempt is counted before the model is called. A killed process leaves a claim, and the attempt counts.
 * 2. A draft is stored only for the current text: text and deletion are part of the command's basis.
 * 3. A memo that fails waits longer each time, and after `maxAttempts` it is a dead letter. Other memos continue.
 * 4. The memo's own text is never written here (P11).
 */
import type {
  DraftRecord,
  DraftSection,
  DraftStorage,
  NewDocumentEvent,
  VersionHead,
} from './draft-storage-port.ts';
import { exponentialDelayMs } from '#shared/backoff';
import type { Clock } from '#shared/clock';
import type { ErrorCode } from '#shared/errors';
import type { Document } from '../document.ts';
import type { DraftFailure } from './parse-draft.ts';
import {
  isStale,
  withNeedsDraft,
  withVersion,
  idleState,
  sha256Of,
  currentVersion,
  withoutMarkdown,
} from '../document-versions.ts';
import type { Library } from '../library.ts';
import type { Changes } from '../library-changes.ts';

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
  library: Pick<Library, 'commit'>;
  drafts: DraftStorage;
  clock: Clock;
  /** Texts with fewer characters need no draft. */
  minChars: number;
  maxAttempts: number;
  /** The delay after the first failure, in ms. */
  intervalMs: number;
}

/** Factor between two delays: 2, 8, 32, 128 minutes, so that five attempts span an evening. */
const backoffGrowth = 4;
const backoffMsMax = 12 * 60 * 60_000;

/** Too short memos that one look skips, at most. */
const skippedMemosMax = 100;

export const createDraftQueue = (parts: DraftQueueParts): DraftQueue => new DraftQueue(parts);

export class DraftQueue {
  readonly #parts: DraftQueueParts;

  constructor(parts: DraftQueueParts) {
    this.#parts = parts;
  }

  /** Claims the memo that is due first; null when none is due. Skips memos that are too short for a draft. */
  async claimNext(): Promise<Claim | null> {
    const { library, clock, drafts } = this.#parts;
    const now = clock.now();
    await drafts.rescheduleFutureDates(now, backoffMsMax);
    for (let skips = 0; skips < skippedMemosMax; skips += 1) {
      const id = await drafts.nextDue(now);
      if (id === null) return null;
      const claim = await library.commit(id, (changes) => this.#claimOrSkip(changes, id, now));
      if (claim !== null) return claim;
    }
    return null;
  }

  /** Stores the draft, unless the memo was edited, deleted or withdrawn meanwhile. */
  async complete(claim: Claim, markdown: string, backend: string): Promise<void> {
    await this.#endAttempt(claim, async (changes, document, now) => {
      const { id } = document;
      const versions = await changes.versions(id);
      for (const head of versions) {
        if (head.status === 'draft') changes.setVersionStatus(head, 'replaced');
      }
      const version = (versions[0]?.version ?? 0) + 1;
      changes.addVersion({
        documentId: id,
        version,
        madeBy: 'draft',
        status: 'draft',
        at: now,
        textSha256: claim.textSha256,
        mdContent: markdown,
      });
      changes.removeDraft(id);
      await changes.replace(document, {
        ...document,
        mdContent: markdown,
        contentOrigin: 'ai_drafted',
        mdDraftStatus: 'draft',
        mdStatus: 'success',
        mdExtractionEngine: 'ai_draft',
        mdGeneratedAt: now,
        sourceMetadata: {
          ...document.sourceMetadata,
          drafted_at: new Date(now).toISOString(),
          needs_draft: false,
        },
      });
      const chars = markdown.length;
      this.#appendEvent(changes, document, 'drafted', 'draft', { version, chars, backend });
    });
  }

  async fail(claim: Claim, failure: DraftFailure): Promise<void> {
    await this.#endAttempt(claim, async (changes, document, now, record) => {
      // All attempts were granted again while it ran: the first of them comes next.
      const dueAt = record.attempts === 0 ? 0 : now + this.#backoffMs(record.attempts);
      const { attempt } = claim;
      this.#markFailed(changes, document, { ...record, dueAt }, { ...failure, attempt });
    });
  }

  async release(
    claim: Claim,
    reason: ReleaseReason,
    errorReason: string | null = null,
  ): Promise<void> {
    await this.#endAttempt(claim, async (changes, document, now, record) => {
      // Behind the others when the server is unavailable: one memo must not block all others for ever.
      const dueAt = reason === 'backend_away' ? now : claim.dueAt;
      changes.saveDraft(requeued(record, dueAt));
      const why = errorReason === null ? {} : { error_reason: errorReason };
      this.#appendEvent(changes, document, 'queued', 'waiting', { reason, ...why });
    });
  }

  /** Sections that this attempt or an earlier one has finished. */
  sections(claim: Claim): Promise<DraftSection[]> {
    return this.#parts.drafts.sections(claim.documentId);
  }

  /** Keeps a finished section beyond the end of the attempt, so that it is not requested again. */
  async saveSection(
    { documentId }: Claim,
    section: Omit<DraftSection, 'documentId'>,
  ): Promise<void> {
    await this.#parts.library.commit(documentId, async (changes) =>
      changes.saveSection({ documentId, ...section }),
    );
  }

  /** Appends an event of a running attempt: before the events of later calls for this memo. */
  async report(
    { documentId: id, owner }: Claim,
    type: 'progress' | 'preempted',
    data: Record<string, unknown>,
  ): Promise<void> {
    await this.#parts.library.commit(id, async (changes) =>
      this.#appendEvent(changes, { id, owner }, type, 'drafting', data),
    );
  }

  /** Marks the claims of a killed process as failed attempts. Call only when no attempt runs. */
  async recoverAbandoned(): Promise<void> {
    const { library, drafts } = this.#parts;
    for (const { documentId } of await drafts.claimed()) {
      await library.commit(documentId, async (changes) => {
        const document = await changes.find(documentId);
        const record = await changes.findDraft(documentId);
        if (record?.state !== 'drafting') return;
        if (document === null || !isWanted(document)) changes.removeDraft(documentId);
        else {
          this.#markFailed(changes, document, record, {
            code: 'GH_DRAFT_INTERRUPTED',
            message: 'the process ended during the attempt',
            errorReason: null,
            attempt: Math.max(1, record.attempts),
          });
        }
      });
    }
  }

  /** Null: the memo is too short and was skipped, or it is not due any more. */
  async #claimOrSkip(changes: Changes, id: string, now: number): Promise<Claim | null> {
    const document = await changes.find(id);
    const known = await changes.findDraft(id);
    if (document === null || known?.state !== 'waiting' || known.dueAt > now) return null;
    if (this.#isTooShort(document.extractedText)) {
      const withdrawn = await this.#withdrawDraft(changes, document);
      const reason = 'too_short';
      this.#appendEvent(changes, document, 'skipped', idleState(withdrawn), { reason });
      return null;
    }
    const attempts = known.attempts + 1;
    changes.saveDraft({
      ...known,
      state: 'drafting',
      attempts,
      dueAt: now + this.#backoffMs(attempts),
      claimedAt: now,
    });
    this.#appendEvent(changes, document, 'drafting', 'drafting', { attempt: attempts });
    return {
      documentId: id,
      owner: document.owner,
      title: document.title,
      text: document.extractedText,
      textSha256: sha256Of(document.extractedText),
      attempt: attempts,
      dueAt: known.dueAt,
    };
  }

  /** Runs `write` if the memo is still as it was claimed; else appends an event with what has changed. */
  async #endAttempt(
    claim: Claim,
    write: (
      changes: Changes,
      document: Document,
      now: number,
      record: DraftRecord,
    ) => Promise<void>,
  ): Promise<void> {
    const { library, clock } = this.#parts;
    await library.commit(claim.documentId, async (changes) => {
      const now = clock.now();
      const document = await changes.find(claim.documentId);
      const record = await changes.findDraft(claim.documentId);
      if (document === null || record?.state !== 'drafting') return;
      if (!isWanted(document)) {
        changes.removeDraft(document.id);
        const isGone = document.deletedAt !== null;
        const state = isGone ? 'none' : idleState(document);
        const reason = isGone ? 'deleted' : 'withdrawn';
        this.#appendEvent(changes, document, 'skipped', state, { reason });
      } else if (sha256Of(document.extractedText) !== claim.textSha256) {
        changes.saveDraft(requeued(record, now));
        this.#appendEvent(changes, document, 'queued', 'waiting', { reason: 'edited' });
      } else await write(changes, document, now, record);
    });
  }

  #markFailed(
    changes: Changes,
    document: Document,
    record: DraftRecord,
    { code, message, errorReason, attempt }: DraftFailure & { attempt: number },
  ): void {
    const isDead = record.attempts >= this.#parts.maxAttempts || isPermanentFailure(code);
    changes.saveDraft({
      ...record,
      state: isDead ? 'dead' : 'waiting',
      claimedAt: null,
      lastCode: code,
      lastError: message,
    });
    const why = { code, message, ...(errorReason === null ? {} : { error_reason: errorReason }) };
    const state = isDead ? 'dead' : 'waiting';
    const nextTryAt = new Date(Math.max(record.dueAt, this.#parts.clock.now()));
    this.#appendEvent(changes, document, 'failed', state, {
      ...why,
      attempt,
      next_try_at: isDead ? null : nextTryAt.toISOString(),
    });
    if (isDead) this.#appendEvent(changes, document, 'dead', state, { ...why, attempts: attempt });
  }

  #appendEvent(
    changes: Changes,
    { id, owner }: Pick<Document, 'id' | 'owner'>,
    type: NewDocumentEvent['type'],
    state: NewDocumentEvent['state'],
    data: Record<string, unknown>,
  ): void {
    const at = this.#parts.clock.now();
    changes.append({ documentId: id, userId: owner, type, state, at, data });
  }

  /**
   * Clears the need for a draft. Markdown that was made from an older text is removed or replaced; its versions stay.
   */
  async #withdrawDraft(changes: Changes, document: Document): Promise<Document> {
    const versions = await changes.versions(document.id);
    const inForce = currentVersion(versions);
    const isOutdated = inForce !== null && isStale(inForce, document);
    const isReplaced = (head: VersionHead): boolean =>
      isOutdated &&
      (head.status === 'draft' || head.status === 'accepted') &&
      isStale(head, document);
    for (const head of versions) if (isReplaced(head)) changes.setVersionStatus(head, 'replaced');
    changes.removeDraft(document.id);
    const unmarked = withNeedsDraft(document, false);
    if (!isOutdated) return changes.replace(document, unmarked);
    const left = currentVersion(versions.filter((head) => !isReplaced(head)));
    const text = left && (await this.#parts.drafts.version(document.id, left.version));
    const shown = text === null ? withoutMarkdown(unmarked) : withVersion(text);
    return changes.replace(document, { ...unmarked, ...shown });
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
