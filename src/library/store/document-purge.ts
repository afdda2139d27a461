/** Removes deleted documents from the disk. They are hidden from their deletion on, and removed some days later. */
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import type { Database } from '#storage/database';

/** Documents per transaction: the journal commits in between. A large document has a megabyte of text. */
const purgeBatch = 50;

/**
 * Removes documents deleted before a time (epoch ms), with their versions and events; triggers remove their row in
 * `draft`, their sections and their vectors. Resolves with the number of documents.
 */
export async function purgeDocuments(
  { connection }: Database,
  deletedBefore: number,
): Promise<number> {
  const old = connection.prepare<[number, number], { num: number; id: string }>(
    'select num, id from document where deleted_at < ? limit ?',
  );
  const ofDocument = ['document_version', 'document_event'].map((table) =>
    connection.prepare(`delete from ${table} where document_id = ?`),
  );
  const remove = connection.prepare('delete from document where num = ?');
  const purge = connection.transaction(() => {
    const documents = old.all(deletedBefore, purgeBatch);
    for (const { num, id } of documents) {
      for (const statement of ofDocument) statement.run(id);
      remove.run(num);
    }
    return documents.length;
  });
  let purged = 0;
  for (;;) {
    const count = purge();
    purged += count;
    if (count < purgeBatch) return purged;
    await yieldToEventLoop();
  }
}
