/**
 * Which memo is drafted next, and what becomes of an attempt: all on disk, each step one transaction, none of
 * them open while a model works.
 *
 * 1. An attempt is counted before the model is asked. A killed process leaves a claim: the attempt was made.
 * 2. What is written was made of the text that is there: text and deletion are compared in the same transaction.
 * 3. A memo that fails waits longer each time, and after `maxAttempts` it is a dead letter. Others go on.
 * 4. The memo's own text is never written here (P11).
 */
import type { DraftRecord, DraftSection, DraftStorage } from '../contract/draft-storage.ts';
import type { Clock } from '../lib/clock.ts';
import type { ErrorCode } from '../lib/errors.ts';
import type { Faults } from '../lib/faults.ts';
import type { Chronicle, Tell } from './chronicle.ts';
import type { Document } from './document.ts';
import type { DocumentStorage } from './document-port.ts';
import type { DraftFailure } from './draft-answer.ts';
import {
  isStale,
  marked,
  restored,
  settledState,
  sha256Of,
  shownVersion,
  versionInForce,
  withoutMarkdown,
} from './draft-versions.ts';
import type { Library } from './library.ts';

/** A memo that was taken to be drafted. */
export interface Claim {
  documentId: string;
  owner: string;
  title: string;
  text: string;
  textSha256: string;
  /** From 1. */
  attempt: number;
  /** When it had become due, epoch ms. */
  dueAt: number;
}

/** Why an attempt is given back: it counts for nothing. */
export type GiveBackReason = 'paused' | 'stopping' | 'interrupted' | 'backend_away';

export interface DraftClaims {
  /** Takes the memo that is due first; null when none is. Memos too short for a draft are dealt with on the way. */
  take(): Claim | null;
  /** Writes the draft, unless the memo was edited, deleted or withdrawn meanwhile. */
  finish(claim: Claim, markdown: string, backend: string): void;
  fail(claim: Claim, failure: DraftFailure): void;
  giveBack(claim: Claim, reason: GiveBackReason, errorReason?: string | null): void;
  /** Parts that are finished already, of this attempt or of one before. */
  sections(claim: Claim): DraftSection[];
  /** Keeps a finished part over the end of the attempt: it need not be asked for again. */
  keepSection(claim: Claim, section: Omit<DraftSection, 'documentId'>): void;
  /** Something to tell about a running attempt. */
  report(claim: Claim, type: 'progress' | 'preempted', data: Record<string, unknown>): void;
  /** Deals with claims that nobody works on: of a process that was killed. Call when nothing runs. */
  recover(): void;
}

export interface DraftClaimsParts {
  library: Pick<Library, 'change' | 'together'>;
  documents: Pick<DocumentStorage, 'find'>;
  drafts: DraftStorage;
  chronicle: Chronicle;
  clock: Clock;
  faults: Faults;
  /** Shorter texts need no draft, in characters. */
  minChars: number;
  maxAttempts: number;
  /** The first wait after a failure. */
  intervalMs: number;
}

/** Each wait is this many times the one before: 2, 8, 32, 128 minutes, so that five attempts span an evening. */
const backoffGrowth = 4;
const backoffMsMax = 12 * 60 * 60_000;

/** Memos that are too short, in one transaction. */
const skipsMax = 100;

export const createDraftClaims = (parts: DraftClaimsParts): DraftClaims => new Claims(parts);

class Claims implements DraftClaims {
  readonly #parts: DraftClaimsParts;

  constructor(parts: DraftClaimsParts) {
    this.#parts = parts;
  }

  take(): Claim | null {
    const { chronicle, clock, drafts, documents } = this.#parts;
    return chronicle.change((tell) => {
      const now = clock.now();
      drafts.pullIn(now, backoffMsMax);
      for (let skips = 0; skips < skipsMax; skips += 1) {
        const id = drafts.nextDue(now);
        const document = id === null ? null : documents.find(id);
        if (document === null) return null;
        if (!this.#isTooShort(document.extractedText)) return this.#claim(document, now, tell);
        const settled = this.#withdraw(document);
        this.#tell(tell, document, 'skipped', settledState(settled), { reason: 'too_short' });
      }
      return null;
    });
  }

  finish(claim: Claim, markdown: string, backend: string): void {
    this.#settle(claim, (tell, document, now) => {
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
      faults.hit('draft.withinWrite', document.id);
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
      this.#tell(tell, document, 'drafted', 'draft', { version, chars, backend });
    });
  }

  fail(claim: Claim, failure: DraftFailure): void {
    this.#settle(claim, (tell, document, now, record) => {
      // All attempts were given again while it ran: the first of them comes next.
      const dueAt = record.attempts === 0 ? 0 : now + this.#backoffMs(record.attempts);
      const { attempt } = claim;
      this.#markFailed(tell, document, { ...record, dueAt }, { ...failure, attempt });
    });
  }

  giveBack(claim: Claim, reason: GiveBackReason, errorReason: string | null = null): void {
    this.#settle(claim, (tell, document, now, record) => {
      // Behind the others, where the server is away: one memo must not stand in front of all for ever.
      const dueAt = reason === 'backend_away' ? now : claim.dueAt;
      this.#parts.drafts.put(waitingAgain(record, dueAt));
      const why = errorReason === null ? {} : { error_reason: errorReason };
      this.#tell(tell, document, 'queued', 'waiting', { reason, ...why });
    });
  }

  sections(claim: Claim): DraftSection[] {
    return this.#parts.drafts.sections(claim.documentId);
  }

  keepSection({ documentId }: Claim, section: Omit<DraftSection, 'documentId'>): void {
    const { library, drafts } = this.#parts;
    library.together(() => drafts.keepSection({ documentId, ...section }));
  }

  report(claim: Claim, type: 'progress' | 'preempted', data: Record<string, unknown>): void {
    this.#parts.chronicle.change((tell) =>
      this.#tell(tell, { id: claim.documentId, owner: claim.owner }, type, 'drafting', data),
    );
  }

  recover(): void {
    const { chronicle, drafts, documents } = this.#parts;
    chronicle.change((tell) => {
      for (const record of drafts.claimed()) {
        const document = documents.find(record.documentId);
        if (document === null || !isWanted(document)) drafts.remove(record.documentId);
        else {
          this.#markFailed(tell, document, record, {
            code: 'GH_DRAFT_INTERRUPTED',
            message: 'the process ended during the attempt',
            errorReason: null,
            attempt: Math.max(1, record.attempts),
          });
        }
      }
    });
  }

  #claim(document: Document, now: number, tell: Tell): Claim {
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
    drafts.put({ ...record, dueAt: now + this.#backoffMs(attempts) });
    this.#tell(tell, document, 'drafting', 'drafting', { attempt: attempts });
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

  /** Runs `write` if the memo still is what was claimed; else says what has become of it. */
  #settle(
    claim: Claim,
    write: (tell: Tell, document: Document, now: number, record: DraftRecord) => void,
  ): void {
    const { chronicle, clock, drafts, documents } = this.#parts;
    chronicle.change((tell) => {
      const now = clock.now();
      const document = documents.find(claim.documentId);
      const record = drafts.find(claim.documentId);
      if (document === null || record?.state !== 'drafting') return;
      if (!isWanted(document)) {
        drafts.remove(document.id);
        const isGone = document.deletedAt !== null;
        const state = isGone ? 'none' : settledState(document);
        const reason = isGone ? 'deleted' : 'withdrawn';
        this.#tell(tell, document, 'skipped', state, { reason });
      } else if (sha256Of(document.extractedText) !== claim.textSha256) {
        drafts.put(waitingAgain(record, now));
        this.#tell(tell, document, 'queued', 'waiting', { reason: 'edited' });
      } else write(tell, document, now, record);
    });
  }

  #markFailed(
    tell: Tell,
    document: Document,
    record: DraftRecord,
    { code, message, errorReason, attempt }: DraftFailure & { attempt: number },
  ): void {
    const isDead = record.attempts >= this.#parts.maxAttempts || isHopeless(code);
    this.#parts.drafts.put({
      ...record,
      state: isDead ? 'dead' : 'waiting',
      claimedAt: null,
      lastCode: code,
      lastError: message,
    });
    const why = { code, message, ...(errorReason === null ? {} : { error_reason: errorReason }) };
    const state = isDead ? 'dead' : 'waiting';
    const nextTryAt = new Date(Math.max(record.dueAt, this.#parts.clock.now()));
    this.#tell(tell, document, 'failed', state, {
      ...why,
      attempt,
      next_try_at: isDead ? null : nextTryAt.toISOString(),
    });
    if (isDead) this.#tell(tell, document, 'dead', state, { ...why, attempts: attempt });
  }

  #tell(
    tell: Tell,
    { id, owner }: Pick<Document, 'id' | 'owner'>,
    type: Parameters<Tell>[0]['type'],
    state: Parameters<Tell>[0]['state'],
    data: Record<string, unknown>,
  ): void {
    tell({ documentId: id, userId: owner, type, state, at: this.#parts.clock.now(), data });
  }

  /** Is to be drafted no more. Markdown of a text that is not there any more gives way; its versions stay. */
  #withdraw(document: Document): Document {
    const { drafts, library } = this.#parts;
    const inForce = versionInForce(drafts.versions(document.id));
    const isOutdated = inForce !== null && isStale(inForce, document);
    for (const version of isOutdated ? drafts.versions(document.id) : []) {
      const isOpen = version.status === 'draft' || version.status === 'accepted';
      if (isOpen && isStale(version, document)) {
        drafts.setVersionStatus(document.id, version.version, 'replaced');
      }
    }
    drafts.remove(document.id);
    const settled = marked(document, false);
    const left = shownVersion(drafts, document.id);
    const shown = left === null ? withoutMarkdown(settled) : restored(left);
    const next = isOutdated ? { ...settled, ...shown } : settled;
    return library.change(document.owner, document.id, () => next) ?? next;
  }

  #isTooShort(text: string): boolean {
    const { minChars } = this.#parts;
    // No character takes more than two units.
    return Array.from(text.trim().slice(0, 2 * minChars)).length < minChars;
  }

  #backoffMs(attempts: number): number {
    return Math.min(this.#parts.intervalMs * backoffGrowth ** (attempts - 1), backoffMsMax);
  }
}

/** As before it was claimed. */
const waitingAgain = (record: DraftRecord, dueAt: number): DraftRecord => ({
  ...record,
  state: 'waiting',
  // None is left where all were given again while it ran.
  attempts: Math.max(0, record.attempts - 1),
  claimedAt: null,
  dueAt,
});

const isWanted = ({ deletedAt, sourceMetadata }: Document): boolean =>
  deletedAt === null && sourceMetadata.needs_draft === true;

/** The same memo will fail the same way. */
const isHopeless = (code: ErrorCode): boolean => code === 'GH_DRAFT_TOO_LONG';
