/** Memos and drafts for the HTTP routes. */
import { isoTime } from '#shared/calendar/time-units';
import type { FairSlices } from '#shared/fair-slices';
import type {
  ListedDocumentView,
  MemoView,
  ReviewedDocumentView,
} from '#shared/wire/document-views';
import { documentView } from '#library/document';
import type { ListedDocument } from '#library/document-port';
import type { Reviewed } from '#library/drafts/draft-review';
import type { Library } from '#library/library';
import { draftRoutes, type DraftQueueService } from '#http/routes/draft-routes';
import { memoRoutes, type MemoService } from '#http/routes/memo-routes';
import { reviewRoutes, type DraftReviewService } from '#http/routes/review-routes';
import type { ServerOptions } from '#http/server/server';
import type { LiveHub } from '#jobs/runtime/live-hub';
import { GatehouseError } from '#shared/errors';
import { documentListing, versionListing, versionView } from './document-lists.ts';
import type { DraftService } from '../draft-service.ts';

/** Events that a stream reads per query. */
const eventsPageSize = 200;

/** All routes for memos and their drafts. */
export const memoAndDraftRoutes = (
  service: DraftService,
  library: Pick<Library, 'get'>,
  hub: LiveHub,
  slices: FairSlices,
): ServerOptions['routes'] => [
  memoRoutes(createMemoApi(service, slices)),
  draftRoutes(createDraftApi(service)),
  reviewRoutes(createReviewApi(service, library, hub, slices)),
];

function createMemoApi({ memos }: DraftService, slices: FairSlices): MemoService {
  return {
    create: (userId, memo) => memos.create(userId, memo),
    edit: async (userId, id, change) => documentView(await memos.edit(userId, id, change)),
    promote: (userId, id) => memos.promote(userId, id),
    list: (userId, asked) =>
      documentListing(slices, userId, asked, (page) => memos.list(userId, page), memoView),
  };
}

function createDraftApi({
  memos,
  drafter,
  draftOverview,
  draftDetail,
}: DraftService): DraftQueueService {
  return {
    overview: (userId) => draftOverview(userId),
    detail: (userId, documentId) => draftDetail(documentId, userId),
    retry: (userId, documentId) => memos.retry(userId, documentId),
    pause: () => drafter.pause(),
    resume: () => drafter.resume(),
  };
}

function createReviewApi(
  service: DraftService,
  library: Pick<Library, 'get'>,
  hub: LiveHub,
  slices: FairSlices,
): DraftReviewService {
  const { review, events } = service;
  return {
    accept: async (...args) => reviewedView(await review.accept(...args)),
    reject: async (...args) => reviewedView(await review.reject(...args)),
    edit: async (...args) => reviewedView(await review.edit(...args)),
    versions: (userId, id, page) => versionListing(slices, review, userId, id, page),
    async version(userId, id, number) {
      const version = await review.version(userId, id, number);
      return version === null ? null : versionView(version);
    },
    async assertVisible(userId, id) {
      if ((await library.get(userId, id)) === null)
        throw new GatehouseError('GH_DOCUMENT_NOT_FOUND');
    },
    events: {
      events: (documentId, afterSeq) => events.ofDocument(documentId, afterSeq, eventsPageSize),
      subscribe: (id, onNews) =>
        hub.subscribe(null, {
          event: () => undefined,
          token: () => undefined,
          document: (event) => void (event.document_id === id && onNews()),
        }),
    },
  };
}

const reviewedView = ({ document, version }: Reviewed): ReviewedDocumentView => ({
  ...documentView(document),
  md_version: version,
});

const memoView = (memo: ListedDocument): MemoView => ({
  id: memo.id,
  title: memo.title,
  head: memo.head,
  needs_draft: memo.sourceMetadata.needs_draft === true,
  draft_status: memo.mdDraftStatus,
  created_at: isoTime(memo.createdAt),
  updated_at: isoTime(memo.updatedAt),
});

/** One row of a document list. */
export const listedView = (document: ListedDocument): ListedDocumentView => ({
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
