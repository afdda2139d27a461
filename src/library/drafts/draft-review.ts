/**
 * Review of a finished draft: accept, edit, reject. Every content that was ever written stays as a version; after a
 * rejection the document shows the version that was accepted before.
 *
 * 1. No draft follows a decision about the same text: accepting or editing cancels a pending draft.
 */
import type {
  DocumentVersion,
  DraftStorage,
  VersionHead,
  VersionPage,
} from './draft-storage-port.ts';
import type { Clock } from '#shared/clock';
import { GatehouseError } from '#shared/errors';
import type { DocumentOutbox, AppendEvent } from '../document-outbox.ts';
import type { Document } from '../document.ts';
import {
  isStale,
  withNeedsDraft,
  withVersion,
  idleState,
  currentVersionWithText,
  currentVersion,
  withoutMarkdown,
} from '../document-versions.ts';
import type { Library } from '../library.ts';

/** `baseVersion`: only if the document still shows this version. */
export interface ReviewBase {
  baseVersion?: number | undefined;
}

export interface Reviewed {
  document: Document;
  /** The version that the document shows; if it shows none any more, the rejected version. */
  version: number;
}

/**
 * All methods: @throws GH_DOCUMENT_NOT_FOUND; GH_DRAFT_NONE without a draft; GH_DRAFT_CHANGED when the document shows
 * another version, or when the memo was edited since (exceptions are given at each method).
 */
export interface DraftReview {
  accept(userId: string, id: string, base: ReviewBase): Reviewed;
  /** Allowed also when the memo was edited since. */
  reject(userId: string, id: string, base: ReviewBase): Promise<Reviewed>;
  /**
   * Adds a version; also to an accepted document. The status stays as it was: draft or accepted. An accepted version of
   * an older text can be edited while no draft of the new text is pending.
   */
  edit(userId: string, id: string, markdown: string, base: ReviewBase): Promise<Reviewed>;
  /** Reads them newest first, page by page; null when there is no such document. */
  versions(userId: string, id: string): VersionReader | null;
  /** With its whole text; null when there is no such document or version. */
  version(userId: string, id: string, version: number): DocumentVersion | null;
}

export type VersionReader = (page: VersionPage) => DocumentVersion[];

interface ReviewParts {
  library: Library;
  drafts: DraftStorage;
  outbox: DocumentOutbox;
  clock: Clock;
}

export function createDraftReview(parts: ReviewParts): DraftReview {
  const { library, drafts, outbox, clock } = parts;

  const open = (userId: string, id: string, base: ReviewBase, allowed: Allowed) =>
    openReview(parts, userId, id, base, allowed);

  const store = (current: Document, edit: Partial<Document>): Document =>
    library.change(current.owner, current.id, (document) => ({ ...document, ...edit })) ?? current;

  const appendReviewEvent = (
    append: AppendEvent,
    { id, owner, mdDraftStatus }: Document,
    type: 'accepted' | 'edited' | 'rejected',
    version: number,
  ): void => {
    const state = type === 'edited' && mdDraftStatus === 'draft' ? 'draft' : stateAfter[type];
    const at = clock.now();
    append({ documentId: id, userId: owner, type, state, at, data: { version } });
  };

  const cancelPending = (append: AppendEvent, current: Document) =>
    cancelPendingDraft(parts, append, current);

  return {
    accept: (userId, id, base) =>
      outbox.commit((append) => {
        const { current, inForce } = open(userId, id, base, openDraft);
        for (const { version, status } of drafts.versions(id)) {
          if (status === 'accepted') drafts.setVersionStatus(id, version, 'replaced');
        }
        drafts.setVersionStatus(id, inForce.version, 'accepted');
        const { sourceMetadata } = cancelPending(append, current);
        const document = store(current, { mdDraftStatus: 'accepted', sourceMetadata });
        appendReviewEvent(append, document, 'accepted', inForce.version);
        return { document, version: inForce.version };
      }),

    reject: (userId, id, base) =>
      tokenizeThenCommit(parts, userId, id, undefined, (append) => {
        const { current, inForce } = open(userId, id, base, {
          ...openDraft,
          whenStale: () => true,
        });
        drafts.setVersionStatus(id, inForce.version, 'rejected');
        const accepted = currentVersionWithText(drafts, id);
        const document = store(
          current,
          accepted ? withVersion(accepted) : withoutMarkdown(current),
        );
        appendReviewEvent(append, document, 'rejected', inForce.version);
        return { document, version: (accepted ?? inForce).version };
      }),

    edit: (userId, id, markdown, base) =>
      tokenizeThenCommit(parts, userId, id, markdown, (append) => {
        const { current, inForce } = open(userId, id, base, openEdit);
        const status = current.mdDraftStatus === 'accepted' ? 'accepted' : 'draft';
        drafts.setVersionStatus(id, inForce.version, 'replaced');
        const version = drafts.addVersion({
          documentId: id,
          madeBy: 'edit',
          status,
          at: clock.now(),
          textSha256: inForce.textSha256,
          mdContent: markdown,
        });
        const { sourceMetadata } = cancelPending(append, current);
        const document = store(current, { mdContent: markdown, sourceMetadata });
        appendReviewEvent(append, document, 'edited', version);
        return { document, version };
      }),

    ...versionsOf(library, drafts),
  };
}

const versionsOf = (
  library: Pick<Library, 'get'>,
  drafts: DraftStorage,
): Pick<DraftReview, 'versions' | 'version'> => ({
  versions: (userId, id) =>
    library.get(userId, id) === null ? null : (page) => drafts.versionPage(id, page),
  version: (userId, id, version) =>
    library.get(userId, id) === null ? null : drafts.version(id, version),
});

/** The decision is about the current text: another draft of it is not needed. */
function cancelPendingDraft(
  { drafts, clock }: Pick<ReviewParts, 'drafts' | 'clock'>,
  append: AppendEvent,
  current: Document,
): Pick<Document, 'sourceMetadata'> {
  const { id: documentId, owner: userId, sourceMetadata } = current;
  if (sourceMetadata.needs_draft !== true) return { sourceMetadata };
  // A running attempt finds that its draft is not needed any more, and reports it.
  if (drafts.find(documentId)?.state !== 'drafting') {
    const of = { documentId, userId, at: clock.now(), state: idleState(current) };
    append({ ...of, type: 'skipped', data: { reason: 'withdrawn' } });
  }
  return { sourceMetadata: withNeedsDraft(current, false).sourceMetadata };
}

/** Tokenizes the texts that a decision may put into the index, before the decision is made. */
function tokenizeThenCommit<Value>(
  { library, drafts, outbox }: ReviewParts,
  userId: string,
  id: string,
  markdown: string | undefined,
  decide: (append: AppendEvent) => Value,
): Promise<Value> {
  const current = library.get(userId, id);
  const accepted = drafts.versions(id).find(({ status }) => status === 'accepted');
  const before = accepted === undefined ? null : drafts.version(id, accepted.version);
  const texts = current === null ? [] : [current.extractedText, markdown ?? before?.mdContent];
  return library.tokenizeBefore(texts, () => outbox.commit(decide));
}

interface Allowed {
  statuses: readonly string[];
  /** Whether the decision is allowed when the memo was edited since. */
  whenStale(current: Document): boolean;
}

/** The document and the version that it shows, if a decision about it is allowed. */
function openReview(
  { library, drafts }: Pick<ReviewParts, 'library' | 'drafts'>,
  userId: string,
  id: string,
  { baseVersion }: ReviewBase,
  allowed: Allowed,
): { current: Document; inForce: VersionHead } {
  const current = library.get(userId, id);
  if (current === null) throw new GatehouseError('GH_DOCUMENT_NOT_FOUND');
  const inForce = currentVersion(drafts.versions(id));
  if (inForce === null || !allowed.statuses.includes(current.mdDraftStatus ?? '')) {
    throw new GatehouseError('GH_DRAFT_NONE');
  }
  if (baseVersion !== undefined && baseVersion !== inForce.version) {
    throw new GatehouseError('GH_DRAFT_CHANGED', `The document shows version ${inForce.version}`);
  }
  if (isStale(inForce, current) && !allowed.whenStale(current)) {
    throw new GatehouseError('GH_DRAFT_CHANGED', 'The memo was edited since this was drafted');
  }
  return { current, inForce };
}

const openDraft: Allowed = { statuses: ['draft'], whenStale: () => false };
const openEdit: Allowed = {
  statuses: ['draft', 'accepted'],
  // A pending draft would overwrite the edit, and an outdated draft must be made anew.
  whenStale: ({ mdDraftStatus, sourceMetadata }) =>
    mdDraftStatus === 'accepted' && sourceMetadata.needs_draft !== true,
};

const stateAfter = { accepted: 'accepted', edited: 'accepted', rejected: 'rejected' } as const;
