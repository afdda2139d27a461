/**
 * What a person does with a finished draft: takes it, changes it, throws it away. Every content that was ever
 * written stays as a version; a rejected draft gives way to what was accepted before it.
 *
 * 1. No draft comes after a decision about the same text: who accepts or edits waits for no other.
 */
import type { DocumentVersion, DraftStorage, VersionHead } from '../contract/draft-storage.ts';
import type { Clock } from '../lib/clock.ts';
import { GatehouseError } from '../lib/errors.ts';
import type { Chronicle, Tell } from './chronicle.ts';
import type { Document } from './document.ts';
import {
  isStale,
  marked,
  restored,
  settledState,
  shownVersion,
  versionInForce,
  withoutMarkdown,
} from './draft-versions.ts';
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
  reject(userId: string, id: string, base: ReviewBase): Promise<Reviewed>;
  /**
   * A new version; also of what was accepted already. It stays what it was: a draft, or accepted. What was accepted
   * of an older text can be edited while no draft of the new one is waited for.
   */
  edit(userId: string, id: string, markdown: string, base: ReviewBase): Promise<Reviewed>;
  /** Reads them newest first, some at a time; null where there is no such document. */
  versions(userId: string, id: string): VersionReader | null;
  /** With its whole text; null where there is no such document or version. */
  version(userId: string, id: string, version: number): DocumentVersion | null;
}

/** Versions below `before` (null: all), with the first characters of their texts. */
export type VersionReader = (page: {
  before: number | null;
  limit: number;
  charsMax: number;
}) => DocumentVersion[];

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

  const settled = (tell: Tell, current: Document) => withoutWish(parts, tell, current);

  return {
    accept: (userId, id, base) =>
      chronicle.change((tell) => {
        const { current, inForce } = open(userId, id, base, openDraft);
        for (const { version, status } of drafts.versions(id)) {
          if (status === 'accepted') drafts.setVersionStatus(id, version, 'replaced');
        }
        drafts.setVersionStatus(id, inForce.version, 'accepted');
        const { sourceMetadata } = settled(tell, current);
        const document = store(current, { mdDraftStatus: 'accepted', sourceMetadata });
        say(tell, document, 'accepted', inForce.version);
        return { document, version: inForce.version };
      }),

    reject: (userId, id, base) =>
      ahead(parts, userId, id, undefined, (tell) => {
        const { current, inForce } = open(userId, id, base, {
          ...openDraft,
          whenStale: () => true,
        });
        drafts.setVersionStatus(id, inForce.version, 'rejected');
        const accepted = shownVersion(drafts, id);
        const document = store(current, accepted ? restored(accepted) : withoutMarkdown(current));
        say(tell, document, 'rejected', inForce.version);
        return { document, version: (accepted ?? inForce).version };
      }),

    edit: (userId, id, markdown, base) =>
      ahead(parts, userId, id, markdown, (tell) => {
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
        const { sourceMetadata } = settled(tell, current);
        const document = store(current, { mdContent: markdown, sourceMetadata });
        say(tell, document, 'edited', version);
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

/** What is decided on was made of the text that is there: another draft of it is wanted by nobody. */
function withoutWish(
  { drafts, clock }: Pick<ReviewParts, 'drafts' | 'clock'>,
  tell: Tell,
  current: Document,
): Pick<Document, 'sourceMetadata'> {
  const { id: documentId, owner: userId, sourceMetadata } = current;
  if (sourceMetadata.needs_draft !== true) return { sourceMetadata };
  // What runs finds that nobody wants it, and says so.
  if (drafts.find(documentId)?.state !== 'drafting') {
    const of = { documentId, userId, at: clock.now(), state: settledState(current) };
    tell({ ...of, type: 'skipped', data: { reason: 'withdrawn' } });
  }
  return { sourceMetadata: marked(current, false).sourceMetadata };
}

/** What a decision may put into the index is cut into words before it is made. */
function ahead<Value>(
  { library, drafts, chronicle }: ReviewParts,
  userId: string,
  id: string,
  markdown: string | undefined,
  decide: (tell: Tell) => Value,
): Promise<Value> {
  const current = library.get(userId, id);
  const accepted = drafts.versions(id).find(({ status }) => status === 'accepted');
  const before = accepted === undefined ? null : drafts.version(id, accepted.version);
  const texts = current === null ? [] : [current.extractedText, markdown ?? before?.mdContent];
  return library.ahead(texts, () => chronicle.change(decide));
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
): { current: Document; inForce: VersionHead } {
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
