/** Deleted documents leave the disk: nobody finds them from the deletion on, and some days later they are gone. */
import { othersTurn } from '../lib/others-turn.ts';
import type { Database } from './database.ts';

/** Documents per transaction: the journal commits in between. A large one has a megabyte of text. */
const purgeBatch = 50;

/**
 * Removes what was deleted before a time (epoch ms), with its versions and events; its marker, sections and vectors
 * go by trigger. Resolves with the number of documents.
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
    await othersTurn();
  }
}
