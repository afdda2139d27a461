/** The library as the HTTP routes and the import command see it. */
import { documentView } from '../documents/document.ts';
import { importFiles } from '../documents/import-files.ts';
import type { Library } from '../documents/library.ts';
import type { DocumentDoor } from '../http/document-routes.ts';

export const createDocumentDoor = (library: Library): DocumentDoor => ({
  create: (userId, document) => library.create(userId, { ...document, origin: 'text' }),
  get(userId, id) {
    const document = library.get(userId, id);
    return document === null ? null : { ...documentView(document) };
  },
  remove: (userId, id) => library.remove(userId, id),
  search: (userId, query, limit) => library.search(userId, query, limit).hits,
  importFiles: (userId, paths, onProgress, signal) =>
    importFiles(paths, { library, userId, onProgress, signal }),
});
