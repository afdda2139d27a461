/** The library for the HTTP routes and the import command. */
import { documentView } from '../documents/document.ts';
import { importFiles } from '../documents/import-files.ts';
import type { Library } from '../documents/library.ts';
import type { Memos } from '../documents/memos.ts';
import type { DocumentService } from '../http/document-routes.ts';
import { documentListing } from './document-lists.ts';
import type { DocumentSearch } from '../documents/document-search.ts';
import { listedView } from './draft-api-adapter.ts';

export const createDocumentApi = (
  library: Library,
  memos: Pick<Memos, 'remove'>,
  finder: Pick<DocumentSearch, 'search'>,
): DocumentService => ({
  create: (userId, document) =>
    library.tokenizeBefore([document.text], () =>
      library.create(userId, { ...document, origin: 'text' }),
    ),
  get(userId, id) {
    const document = library.get(userId, id);
    return document === null ? null : { ...documentView(document) };
  },
  remove: (userId, id) => memos.remove(userId, id),
  list: (userId, { limit, cursor, ...filter }) =>
    documentListing(
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
