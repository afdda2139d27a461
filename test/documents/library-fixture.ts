/** A library of documents in a database of its own. */
import { createLibrary } from '../../src/documents/library.ts';
import type { Document } from '../../src/documents/document.ts';
import { createIdSource } from '../../src/lib/ids.ts';
import { openDatabase } from '../../src/store/database.ts';
import { createDocumentStore } from '../../src/store/document-store.ts';

export async function openLibrary(options: { shared?: boolean; path?: string } = {}) {
  const { shared = false, path = ':memory:' } = options;
  const database = await openDatabase({ path });
  const storage = createDocumentStore<Document>(database);
  let now = Date.parse('2026-11-18T00:00:00Z');
  const clock = { now: () => (now += 1) };
  const library = createLibrary({ storage, ids: createIdSource(), clock, shared });
  const add = (text: string, title?: string, userId = 'minji') =>
    library.create(userId, { title, text, origin: 'memo' });
  const titles = (query: string, userId = 'minji') =>
    library.search(userId, query).hits.map((hit) => hit.title);
  return { database, storage, library, add, titles, close: () => database.close() };
}
