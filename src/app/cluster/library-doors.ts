/**
 * Changes of documents at the doors of the partitions of their owners. A change is decided at any worker, on what is stored;
 * the owner of the partition stores it, unless its basis has changed.
 */
import assert from 'node:assert/strict';
import { z } from 'zod';
import { doorOperation, type DoorOperations, type LeaseDoors } from '#cluster/lease-doors';
import type { CommitResult, DocumentStorage, LibraryChange } from '#library/document-port';
import { ownersOf } from '#library/store/postgres/postgres-library-commit';
import { partitionLease, partitionOf } from '#storage/postgres/partition';
import type { PostgresDatabase } from '#storage/postgres/postgres-database';

const row = z.record(z.string(), z.unknown());
const rows = z.array(row);
const text = z.string();

/** A change as JSON: its maps as lists. */
const changeSchema = z.object({
  basis: z.object({
    documents: z.array(z.tuple([text, z.number().nullable()])),
    drafts: z.array(z.tuple([text, row.nullable()])),
    files: z.array(z.object({ owner: text, path: text, id: text.nullable() })),
  }),
  versions: rows,
  versionStatuses: rows,
  added: rows,
  replaced: rows,
  reindexed: rows,
  drafts: rows,
  sections: rows,
  settings: z.array(z.object({ name: text, value: text })),
  events: rows,
});

const toJson = ({ basis, ...lists }: LibraryChange): z.infer<typeof changeSchema> =>
  ({
    ...lists,
    basis: { ...basis, documents: [...basis.documents], drafts: [...basis.drafts] },
  }) as unknown as z.infer<typeof changeSchema>;

const fromJson = ({ basis, ...lists }: z.infer<typeof changeSchema>): LibraryChange =>
  ({
    ...lists,
    basis: {
      ...basis,
      documents: new Map(basis.documents),
      drafts: new Map(basis.drafts as never),
    },
  }) as unknown as LibraryChange;

export const libraryOperations = ({ commit }: Pick<DocumentStorage, 'commit'>): DoorOperations => ({
  library: doorOperation(changeSchema, async (change) => commit(fromJson(change)), false),
});

/** The storage whose changes are stored by the owners of their partitions. */
export function routeChanges(
  storage: DocumentStorage,
  database: PostgresDatabase,
  doors: LeaseDoors,
): DocumentStorage {
  const commitAt = async (partition: number, change: LibraryChange): Promise<CommitResult> =>
    (await doors.call(partitionLease(partition), 'library', toJson(change))) as CommitResult;
  return {
    ...storage,
    async commit(change) {
      const owners = await ownersOf(database, change);
      const [first, ...others] = new Set([...owners].map(partitionOf));
      if (others.length === 0) return commitAt(first!, change);
      const { basis: _, reindexed: __, ...rest } = change;
      const isIndexOnly = Object.values(rest).every((list) => list.length === 0);
      assert(isIndexOnly, 'only the index of documents changes for several owners at once');
      // Each document can be stored for itself.
      for (const one of eachReindexed(change)) {
        const [owner] = await ownersOf(database, one);
        if ((await commitAt(partitionOf(owner!), one)) === 'conflict') return 'conflict';
      }
      return [];
    },
  };
}

const eachReindexed = (change: LibraryChange): LibraryChange[] =>
  change.reindexed.map((one) => ({
    ...change,
    reindexed: [one],
    basis: {
      ...change.basis,
      documents: new Map([...change.basis.documents].filter(([id]) => id === one.id)),
    },
  }));
