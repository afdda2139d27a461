/** A library of documents. */
import type { Document } from '#library/document';
import type { DocumentStorage } from '#library/document-port';
import { createLibrary, type LibraryOptions } from '#library/library';
import { createIdSource } from '#shared/ids';
import { openDatabase } from '#storage/database';
import { createDocumentStore } from '#library/store/document-store';

/** In a SQLite database of its own. */
export async function openLibrary(
  options: { shared?: boolean; path?: string; publish?: LibraryOptions['publish'] } = {},
) {
  const database = await openDatabase({ path: options.path ?? ':memory:' });
  const setting = createLibrarySetting(createDocumentStore(database), options);
  return { database, ...setting, close: () => database.close() };
}

/** The same on any database. */
export function createLibrarySetting(
  storage: DocumentStorage,
  options: { shared?: boolean; publish?: LibraryOptions['publish'] } = {},
) {
  const { shared = false, publish } = options;
  let now = Date.parse('2026-11-18T00:00:00Z');
  const clock = { now: () => (now += 1) };
  const parts = { storage, ids: createIdSource(), clock, shared };
  const library = createLibrary(publish === undefined ? parts : { ...parts, publish });
  const add = (text: string, title?: string, userId = 'minji') =>
    library.create(userId, { title, text, origin: 'memo' });
  /** Changes a document of any state; null when it is not this user's. */
  const change = (userId: string, id: string, edit: (current: Document) => Document) =>
    library.commit(id, async (changes) => {
      const current = await changes.find(id);
      if (current?.owner !== library.ownerOf(userId)) return null;
      return changes.replace(current, edit(current));
    });
  /** Deletes a document as its user does; false when there is none. */
  const remove = async (userId: string, id: string) => {
    if ((await library.get(userId, id)) === null) return false;
    await change(userId, id, (current) => ({ ...current, deletedAt: clock.now() }));
    return true;
  };
  const titles = async (query: string, userId = 'minji') =>
    (await library.search(userId, query)).hits.map((hit) => hit.title);
  return { storage, library, clock, add, change, remove, titles };
}
