/** Documents and changes for the contract tests of the library's storage. */
import type { Document } from '#library/document';
import type { DocumentStorage, LibraryChange } from '#library/document-port';
import type { NewDocumentEvent } from '#library/drafts/draft-storage-port';

export const documentOf = (id: string, more: Partial<Document> = {}): Document => ({
  id,
  owner: 'ann',
  title: `title ${id}`,
  extractedText: `text ${id}`,
  mdContent: null,
  contentOrigin: 'memo',
  mdDraftStatus: null,
  mdStatus: null,
  mdExtractionEngine: null,
  mdGeneratedAt: null,
  sourceMetadata: { source: 'memo' },
  createdAt: 1,
  updatedAt: 1,
  deletedAt: null,
  ...more,
});
export const changeOf = (writes: Partial<LibraryChange>): LibraryChange => ({
  basis: { documents: new Map(), drafts: new Map(), files: [] },
  versions: [],
  versionStatuses: [],
  added: [],
  replaced: [],
  reindexed: [],
  drafts: [],
  sections: [],
  settings: [],
  events: [],
  ...writes,
});
export const tokensOf = (body: string, title = '', markdown = '') => ({ title, body, markdown });
export const write = (document: Document, body = document.extractedText) => ({
  document,
  tokens: document.deletedAt === null ? tokensOf(body) : null,
});
export const add = (store: DocumentStorage, ...documents: Document[]) =>
  store.commit(changeOf({ added: documents.map((one) => write(one)) }));
export const eventOf = (documentId: string, at = 1, data = {}): NewDocumentEvent => ({
  documentId,
  userId: 'ann',
  type: 'queued',
  state: 'waiting',
  at,
  data,
});
export const wanted = { source: 'memo', needs_draft: true } as const;
export const word = (...words: string[]) => ({ words, isPrefix: false });
export const found = async (
  store: DocumentStorage,
  query: Parameters<DocumentStorage['search']>[1],
) => (await store.search('ann', query, 10)).map(({ id }) => id).sort();
