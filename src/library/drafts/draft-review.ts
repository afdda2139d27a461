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
import type { Document } from '../document.ts';
import {
  isStale,
  withNeedsDraft,
  withVersion,
  idleState,
  currentVersion,
  withoutMarkdown,
} from '../document-versions.ts';
import type { Library } from '../library.ts';
import type { Changes } from '../library-changes.ts';

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
  accept(userId: string, id: string, base: ReviewBase): Promise<Reviewed>;
  /** Allowed also when the memo was edited since. */
  reject(userId: string, id: string, base: ReviewBase): Promise<Reviewed>;
  /**
   * Adds a version; also to an accepted document. The status stays as it was: draft or accepted. An accepted version of
   * an older text can be edited while no draft of the new text is pending.
   */
  edit(userId: string, id: string, markdown: string, base: ReviewBase): Promise<Reviewed>;
  /** Reads them newest first, page by page; null when there is no such document. */
  versions(userId: string, id: string): Promise<VersionReader | null>;
  /** With its whole text; null when there is no such document or version. */
  version(userId: string, id: string, version: number): Promise<DocumentVersion | null>;
}

export type VersionReader = (page: VersionPage) => Promise<DocumentVersion[]>;

interface ReviewParts {
  library: Library;
  drafts: DraftStorage;
  clock: Clock;
}

export const createDraftReview = (parts: ReviewParts): DraftReview => ({
  accept: (userId, id, base) =>
    parts.library.commit(id, (changes) => accept(parts, changes, { userId, id, base })),

  reject: (userId, id, base) =>
    parts.library.commit(id, (changes) => reject(parts, changes, { userId, id, base })),

  edit: (userId, id, markdown, base) =>
    parts.library.commit(id, (changes) => edit(parts, changes, { userId, id, base }, markdown)),

  async versions(userId, id) {
    const isVisible = (await parts.library.get(userId, id)) !== null;
    return isVisible ? (page) => parts.drafts.versionPage(id, page) : null;
  },

  async version(userId, id, version) {
    const isVisible = (await parts.library.get(userId, id)) !== null;
    return isVisible ? parts.drafts.version(id, version) : null;
  },
});

interface Decision {
  userId: string;
  id: string;
  base: ReviewBase;
}

async function accept(parts: ReviewParts, changes: Changes, decision: Decision): Promise<Reviewed> {
  const { current, inForce, versions } = await openReview(parts, changes, decision, openDraft);
  for (const head of versions) {
    if (head.status === 'accepted') changes.setVersionStatus(head, 'replaced');
  }
  changes.setVersionStatus(inForce, 'accepted');
  const { sourceMetadata } = await cancelPendingDraft(parts, changes, current);
  const next: Document = { ...current, mdDraftStatus: 'accepted', sourceMetadata };
  const document = await changes.replace(current, next);
  appendReviewEvent(parts, changes, document, 'accepted', inForce.version);
  return { document, version: inForce.version };
}

async function reject(parts: ReviewParts, changes: Changes, decision: Decision): Promise<Reviewed> {
  const allowed = { ...openDraft, whenStale: () => true };
  const { current, inForce, versions } = await openReview(parts, changes, decision, allowed);
  changes.setVersionStatus(inForce, 'rejected');
  const left = currentVersion(versions.filter((head) => head !== inForce));
  const accepted = left && (await parts.drafts.version(current.id, left.version));
  const shown = accepted ? withVersion(accepted) : withoutMarkdown(current);
  const document = await changes.replace(current, { ...current, ...shown });
  appendReviewEvent(parts, changes, document, 'rejected', inForce.version);
  return { document, version: (accepted ?? inForce).version };
}

async function edit(
  parts: ReviewParts,
  changes: Changes,
  decision: Decision,
  markdown: string,
): Promise<Reviewed> {
  const { current, inForce, versions } = await openReview(parts, changes, decision, openEdit);
  changes.setVersionStatus(inForce, 'replaced');
  const version = versions[0]!.version + 1;
  changes.addVersion({
    documentId: current.id,
    version,
    madeBy: 'edit',
    status: current.mdDraftStatus === 'accepted' ? 'accepted' : 'draft',
    at: parts.clock.now(),
    textSha256: inForce.textSha256,
    mdContent: markdown,
  });
  const { sourceMetadata } = await cancelPendingDraft(parts, changes, current);
  const next: Document = { ...current, mdContent: markdown, sourceMetadata };
  const document = await changes.replace(current, next);
  appendReviewEvent(parts, changes, document, 'edited', version);
  return { document, version };
}

function appendReviewEvent(
  { clock }: ReviewParts,
  changes: Changes,
  { id, owner, mdDraftStatus }: Document,
  type: 'accepted' | 'edited' | 'rejected',
  version: number,
): void {
  const state = type === 'edited' && mdDraftStatus === 'draft' ? 'draft' : stateAfter[type];
  changes.append({
    documentId: id,
    userId: owner,
    type,
    state,
    at: clock.now(),
    data: { version },
  });
}

/** The decision is about the current text: another draft of it is not needed. */
async function cancelPendingDraft(
  { clock }: ReviewParts,
  changes: Changes,
  current: Document,
): Promise<Pick<Document, 'sourceMetadata'>> {
  const { id: documentId, owner: userId, sourceMetadata } = current;
  if (sourceMetadata.needs_draft !== true) return { sourceMetadata };
  // A running attempt finds that its draft is not needed any more, and reports it.
  if ((await changes.findDraft(documentId))?.state !== 'drafting') {
    const of = { documentId, userId, at: clock.now(), state: idleState(current) };
    changes.append({ ...of, type: 'skipped', data: { reason: 'withdrawn' } });
  }
  return { sourceMetadata: withNeedsDraft(current, false).sourceMetadata };
}

interface Allowed {
  statuses: readonly string[];
  /** Whether the decision is allowed when the memo was edited since. */
  whenStale(current: Document): boolean;
}

/** The document and the version that it shows, if a decision about it is allowed; all versions, newest first. */
async function openReview(
  { library }: ReviewParts,
  changes: Changes,
  { userId, id, base }: Decision,
  allowed: Allowed,
): Promise<{ current: Document; inForce: VersionHead; versions: VersionHead[] }> {
  const { baseVersion } = base;
  const current = await library.get(userId, id, changes);
  if (current === null) throw new GatehouseError('GH_DOCUMENT_NOT_FOUND');
  const versions = await changes.versions(id);
  const inForce = currentVersion(versions);
  if (inForce === null || !allowed.statuses.includes(current.mdDraftStatus ?? '')) {
    throw new GatehouseError('GH_DRAFT_NONE');
  }
  if (baseVersion !== undefined && baseVersion !== inForce.version) {
    throw new GatehouseError('GH_DRAFT_CHANGED', `The document shows version ${inForce.version}`);
  }
  if (isStale(inForce, current) && !allowed.whenStale(current)) {
    throw new GatehouseError('GH_DRAFT_CHANGED', 'The memo was edited since this was drafted');
  }
  return { current, inForce, versions };
}

const openDraft: Allowed = { statuses: ['draft'], whenStale: () => false };
const openEdit: Allowed = {
  statuses: ['draft', 'accepted'],
  // A pending draft would overwrite the edit, and an outdated draft must be made anew.
  whenStale: ({ mdDraftStatus, sourceMetadata }) =>
    mdDraftStatus === 'accepted' && sourceMetadata.needs_draft !== true,
};

const stateAfter = { accepted: 'accepted', edited: 'accepted', rejected: 'rejected' } as const;
