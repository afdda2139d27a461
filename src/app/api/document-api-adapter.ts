/** The library for the HTTP routes and the import command. */
import type { FairSlices } from '#shared/fair-slices';
import { documentView } from '#library/document';
import { importFiles } from '#library/import-files';
import type { Library } from '#library/library';
import type { Memos } from '#library/memos';
import type { DocumentService } from '#http/routes/document-routes';
import { documentListing } from './document-lists.ts';
import type { DocumentSearch } from '#library/document-search';
import { listedView } from './draft-api-adapter.ts';

export const createDocumentApi = (
  library: Library,
  memos: Pick<Memos, 'remove'>,
  finder: Pick<DocumentSearch, 'search'>,
  slices: FairSlices,
): DocumentService => ({
  create: (userId, document) => library.create(userId, { ...document, origin: 'text' }),
  async get(userId, id) {
    const document = await library.get(userId, id);
    return document === null ? null : documentView(document);
  },
  remove: (userId, id) => memos.remove(userId, id),
  list: (userId, { limit, cursor, ...filter }) =>
    documentListing(
      slices,
      userId,
      { limit, cursor },
      (page) => library.list(userId, { ...filter, ...page }),
      listedView,
    ),
  search: async (userId, query, limit, signal) =>
    (await finder.search(userId, query, limit, signal)).hits.map(
      ({ id, title, snippet, score }) => ({ id, title, snippet, score }),
    ),
  importFiles: (userId, paths, onProgress, signal) =>
    importFiles(paths, { library, userId, onProgress, signal }),
});
