/** Memos and drafts as the HTTP routes see them. */
import type { DocumentVersion } from '../contract/draft-storage.ts';
import { documentView } from '../documents/document.ts';
import type { ListedDocument } from '../documents/document-port.ts';
import type { Reviewed } from '../documents/draft-review.ts';
import { draftRoutes, type DraftDoor } from '../http/draft-routes.ts';
import { memoRoutes, type MemoDoor } from '../http/memo-routes.ts';
import { reviewRoutes, type ReviewDoor } from '../http/review-routes.ts';
import type { ServerOptions } from '../http/server.ts';
import type { LiveHub } from '../journal/live-hub.ts';
import type { DraftService } from './draft-service.ts';

/** Events that a stream reads at a time. */
const eventsAtOnce = 200;

/** All routes that have to do with memos and their drafts. */
export const memoAndDraftRoutes = (
  service: DraftService,
  hub: LiveHub,
): ServerOptions['routes'] => [
  memoRoutes(createMemoDoor(service)),
  draftRoutes(createDraftDoor(service)),
  reviewRoutes(createReviewDoor(service, hub)),
];

function createMemoDoor({ memos }: DraftService): MemoDoor {
  return {
    create: (userId, memo) => memos.create(userId, memo),
    edit: async (userId, id, change) => documentView(await memos.edit(userId, id, change)),
    promote: (userId, id) => memos.promote(userId, id),
    list: (userId, page) =>
      memos.list(userId, page).map((memo) => ({
        id: memo.id,
        title: memo.title,
        head: memo.head,
        needs_draft: memo.sourceMetadata.needs_draft === true,
        draft_status: memo.mdDraftStatus,
        created_at: isoTime(memo.createdAt),
        updated_at: isoTime(memo.updatedAt),
      })),
  };
}

function createDraftDoor({ memos, drafter, draftOverview, draftDetail }: DraftService): DraftDoor {
  return {
    overview: (userId) => draftOverview(userId),
    detail: (userId, documentId) => draftDetail(documentId, userId),
    retry: (userId, documentId) => memos.retry(userId, documentId),
    pause: () => drafter.pause(),
    resume: () => drafter.resume(),
  };
}

function createReviewDoor(service: DraftService, hub: LiveHub): ReviewDoor {
  const { review, events } = service;
  return {
    accept: (...args) => reviewedView(review.accept(...args)),
    reject: async (...args) => reviewedView(await review.reject(...args)),
    edit: async (...args) => reviewedView(await review.edit(...args)),
    versions: (userId, id) => review.versions(userId, id)?.map(versionView) ?? null,
    events: {
      events: (documentId, afterSeq) => events.ofDocument(documentId, afterSeq, eventsAtOnce),
      subscribe: (listener) =>
        hub.subscribe(null, {
          event: () => undefined,
          token: () => undefined,
          document: listener,
        }),
    },
  };
}

const isoTime = (at: number): string => new Date(at).toISOString();

const reviewedView = ({ document, version }: Reviewed): object => ({
  ...documentView(document),
  md_version: version,
});

const versionView = ({ version, madeBy, status, at, mdContent }: DocumentVersion): object => ({
  version,
  made_by: madeBy,
  status,
  at: isoTime(at),
  md_content: mdContent,
});

/** One line of a listing. */
export const listedView = (document: ListedDocument): Record<string, unknown> => ({
  id: document.id,
  title: document.title,
  head: document.head,
  content_origin: document.contentOrigin,
  md_draft_status: document.mdDraftStatus,
  md_status: document.mdStatus,
  source_metadata: document.sourceMetadata,
  created_at: isoTime(document.createdAt),
  updated_at: isoTime(document.updatedAt),
});
