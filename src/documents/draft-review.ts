/**
 * What a person does with a finished draft: takes it, changes it, throws it away. Every content that was ever
 * written stays as a version; a rejected draft gives way to what was accepted before it.
 */
import type { Clock } from '../lib/clock.ts';
import { GatehouseError } from '../lib/errors.ts';
import type { Chronicle, Tell } from './chronicle.ts';
import type { Document } from './document.ts';
import type { DocumentVersion, DraftStorage } from './draft-port.ts';
import { isStale, versionInForce } from './draft-versions.ts';
import type { Library } from './library.ts';

/** With `baseVersion`, only if this still is the one that the document shows. */
export interface ReviewBase {
  baseVersion?: number | undefined;
}

export interface Reviewed {
  document: Document;
  /** The one that the document shows; of a document that shows none any more, the one that was rejected. */
  version: number;
}

/**
 * All of them: @throws GH_DOCUMENT_NOT_FOUND; GH_DRAFT_NONE without a draft; GH_DRAFT_CHANGED when another version
 * came, or when the memo was edited since (what is possible then says each).
 */
export interface DraftReview {
  accept(userId: string, id: string, base: ReviewBase): Reviewed;
  /** Also when the memo was edited since. */
  reject(userId: string, id: string, base: ReviewBase): Reviewed;
  /**
   * A new version; also of what was accepted already. It stays what it was: a draft, or accepted. What was accepted
   * of an older text can be edited while no draft of the new one is waited for.
   */
  edit(userId: string, id: string, markdown: string, base: ReviewBase): Reviewed;
  /** Newest first; null where there is no such document. */
  versions(userId: string, id: string): DocumentVersion[] | null;
}

interface ReviewParts {
  library: Library;
  drafts: DraftStorage;
  chronicle: Chronicle;
  clock: Clock;
}

export function createDraftReview(parts: ReviewParts): DraftReview {
  const { library, drafts, chronicle, clock } = parts;

  const open = (userId: string, id: string, base: ReviewBase, allowed: Allowed) =>
    openReview(parts, userId, id, base, allowed);

  const store = (current: Document, edit: Partial<Document>): Document =>
    library.change(current.owner, current.id, (document) => ({ ...document, ...edit })) ?? current;

  const say = (
    tell: Tell,
    { id, owner, mdDraftStatus }: Document,
    type: 'accepted' | 'edited' | 'rejected',
    version: number,
  ): void => {
    const state = type === 'edited' && mdDraftStatus === 'draft' ? 'draft' : stateAfter[type];
    tell({
      documentId: id,
      userId: owner,
      type,
      state,
      at: clock.now(),
      data: { version },
    });
  };

  return {
    accept: (userId, id, base) =>
      chronicle.change((tell) => {
        const { current, inForce } = open(userId, id, base, openDraft);
        for (const { version, status } of drafts.versions(id)) {
          if (status === 'accepted') drafts.setVersionStatus(id, version, 'replaced');
        }
        drafts.setVersionStatus(id, inForce.version, 'accepted');
        const document = store(current, { mdDraftStatus: 'accepted' });
        say(tell, document, 'accepted', inForce.version);
        return { document, version: inForce.version };
      }),

    reject: (userId, id, base) =>
      chronicle.change((tell) => {
        const { current, inForce } = open(userId, id, base, {
          ...openDraft,
          whenStale: () => true,
        });
        drafts.setVersionStatus(id, inForce.version, 'rejected');
        const accepted = versionInForce(drafts.versions(id));
        const document = store(current, accepted ? restored(accepted) : withoutMarkdown(current));
        say(tell, document, 'rejected', inForce.version);
        return { document, version: (accepted ?? inForce).version };
      }),

    edit: (userId, id, markdown, base) =>
      chronicle.change((tell) => {
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
        const document = store(current, { mdContent: markdown });
        say(tell, document, 'edited', version);
        return { document, version };
      }),

    versions: (userId, id) => (library.get(userId, id) === null ? null : drafts.versions(id)),
  };
}

interface Allowed {
  statuses: readonly string[];
  /** Whether it may be when the memo was edited since. */
  whenStale(current: Document): boolean;
}

/** The document and the version that it shows, if it may be decided on. */
function openReview(
  { library, drafts }: Pick<ReviewParts, 'library' | 'drafts'>,
  userId: string,
  id: string,
  { baseVersion }: ReviewBase,
  allowed: Allowed,
): { current: Document; inForce: DocumentVersion } {
  const current = library.get(userId, id);
  if (current === null) throw new GatehouseError('GH_DOCUMENT_NOT_FOUND');
  const inForce = versionInForce(drafts.versions(id));
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
  // A draft that comes would overtake the edit, and an outdated draft is to be made anew.
  whenStale: ({ mdDraftStatus, sourceMetadata }) =>
    mdDraftStatus === 'accepted' && sourceMetadata.needs_draft !== true,
};

const stateAfter = { accepted: 'accepted', edited: 'accepted', rejected: 'rejected' } as const;

const restored = ({ mdContent, at }: DocumentVersion): Partial<Document> => ({
  mdContent,
  mdDraftStatus: 'accepted',
  mdGeneratedAt: at,
});

/** As it was before it was drafted. */
function withoutMarkdown({ sourceMetadata }: Document): Partial<Document> {
  const { drafted_at: _, ...metadata } = sourceMetadata;
  return {
    mdContent: null,
    contentOrigin: metadata.source ?? 'memo',
    mdDraftStatus: null,
    mdStatus: null,
    mdExtractionEngine: null,
    mdGeneratedAt: null,
    sourceMetadata: metadata,
  };
}
