/** A library of documents in a database of its own. */
import { createLibrary } from '#library/library';
import { createIdSource } from '#shared/ids';
import { openDatabase } from '#storage/database';
import { createDocumentStore } from '#library/store/document-store';

export async function openLibrary(options: { shared?: boolean; path?: string } = {}) {
  const { shared = false, path = ':memory:' } = options;
  const database = await openDatabase({ path });
  const storage = createDocumentStore(database);
  let now = Date.parse('2026-11-18T00:00:00Z');
  const clock = { now: () => (now += 1) };
  const library = createLibrary({ storage, ids: createIdSource(), clock, shared });
  const add = (text: string, title?: string, userId = 'minji') =>
    library.create(userId, { title, text, origin: 'memo' });
  const titles = (query: string, userId = 'minji') =>
    library.search(userId, query).hits.map((hit) => hit.title);
  return { database, storage, library, add, titles, close: () => database.close() };
}
