/**
 * Stores one change of the library on PostgreSQL: one call of `commit_library`, with the leases of all owners whose
 * documents it changes.
 *
 * 1. Events take the next positions of their owner's partition, as rows of the journal do.
 * 2. The words of a long text follow the commit: long-texts.ts.
 * 3. After a lost answer the positions show which events were stored.
 */
import { GatehouseError } from '#shared/errors';
import type { FaultInjector } from '#shared/fault-points';
import { documentEventOf } from '#storage/document-event-row';
import { leaseClaimCount, type PartitionWriter } from '#storage/postgres/partition-writer';
import { countPositions, placeEvents, type PlacedEvent } from '#storage/postgres/placed-events';
import type { PostgresDatabase, PreparedStatement } from '#storage/postgres/postgres-database';
import { guardPostgres, sqlStateOf } from '#storage/postgres/postgres-errors';
import { storableText } from '#storage/postgres/storable-text';
import type { CommitResult, LibraryChange } from '../../document-port.ts';
import { changeArguments, changeArgumentCount } from './change-arguments.ts';
import { indexLongText } from './long-texts.ts';

const placeholders = Array.from(
  { length: leaseClaimCount + changeArgumentCount },
  (_, index) => `$${index + 1}`,
);

const commitStatement = {
  name: 'commit_library',
  text: `select commit_library(${placeholders.join(', ')}) as seqs`,
};

const selectOwners: PreparedStatement<{ owner: string }> = {
  name: 'select_owners',
  text: 'select distinct owner from document where id = any($1)',
};

const selectSeqs: PreparedStatement<{ part: number; pos: number; seq: number }> = {
  name: 'select_event_seqs',
  text: `select part, pos, seq from document_event join unnest($1::smallint[], $2::bigint[])
    as place (part, pos) using (part, pos)`,
};

/** Settings belong to no user. */
const ownerOfSettings = '';

/** What `commit_library` raises. */
const changedBasis = 'GH002';
const noDraft = 'GH003';

/**
 * Rejects with GH_STORE_UNAVAILABLE or `FencedError` when nothing was written, and with `UnknownCommitError` when that is
 * not known.
 */
export function createPostgresLibraryCommit(
  database: PostgresDatabase,
  writer: PartitionWriter,
  faults: FaultInjector,
): (change: LibraryChange) => Promise<CommitResult> {
  const read = <Row>(statement: PreparedStatement<Row>, ...values: unknown[]): Promise<Row[]> =>
    guardPostgres('The database cannot be read', () => database.run(statement, values));

  /** `seq` of each event of a change whose answer was lost. */
  const seqsOf = async (placed: readonly PlacedEvent[]): Promise<number[]> => {
    const rows = await read(
      selectSeqs,
      placed.map(({ part }) => part),
      placed.map(({ pos }) => pos),
    );
    const seqs = new Map(rows.map(({ part, pos, seq }) => [`${part}:${pos}`, seq]));
    return placed.map(({ part, pos }) => seqs.get(`${part}:${pos}`) ?? 0);
  };

  return async (change) => {
    const owners = await ownersOf(database, change);
    const { values, longTexts } = await changeArguments(change);
    const [version] = change.versions;
    if (version !== undefined) faults.reach('draft.withinWrite', version.documentId);
    let placed: PlacedEvent[] = [];
    try {
      const row = await writer.write<{ seqs: number[] }>({
        counts: countPositions(owners, change.events),
        statement: commitStatement,
        values(claims, before) {
          placed = placeEvents(change.events, before);
          return [...claims, ...values, JSON.stringify(placed)];
        },
        readAnswer: async () => ({ seqs: await seqsOf(placed) }),
      });
      const seqs = row?.seqs ?? [];
      for (const text of longTexts) await indexLongText(database, text);
      return placed.map((event, index) => documentEventOf({ ...event, seq: seqs[index]! }));
    } catch (error) {
      return refusal(error);
    }
  };
}

/** Those whose partitions a change writes. @throws GH_STORE_UNAVAILABLE */
export async function ownersOf(
  database: PostgresDatabase,
  change: LibraryChange,
): Promise<Set<string>> {
  const { owners, unknownIds } = knownOwners(change);
  if (unknownIds.length > 0) {
    const rows = await guardPostgres('The database cannot be read', () =>
      database.run(selectOwners, [unknownIds]),
    );
    for (const { owner } of rows) owners.add(owner);
  }
  return owners.size === 0 ? new Set([ownerOfSettings]) : owners;
}

/** Owners that the change names, and its documents whose owner it does not name. */
function knownOwners(change: LibraryChange): { owners: Set<string>; unknownIds: string[] } {
  const documents = [...change.added, ...change.replaced].map(({ document }) => document);
  const known = new Map([
    ...documents.map(({ id, owner }) => [id, owner] as const),
    ...change.events.map(({ documentId, userId }) => [documentId, userId] as const),
  ]);
  const ids = [
    ...change.reindexed.map(({ id }) => id),
    ...[change.versions, change.versionStatuses, change.drafts, change.sections].flatMap((rows) =>
      rows.map(({ documentId }) => documentId),
    ),
  ];
  const unknownIds = [...new Set(ids)].filter((id) => !known.has(id)).map(storableText);
  return { owners: new Set(known.values()), unknownIds };
}

/** @throws all that is no conflict */
function refusal(error: unknown): 'conflict' {
  const { cause } = error as { cause?: unknown };
  const state = sqlStateOf(cause);
  if (state === changedBasis) return 'conflict';
  if (state === noDraft) throw new Error((cause as Error).message, { cause });
  // Its sentences are those of the journal.
  const isRefused =
    error instanceof GatehouseError && /^GH_STORE_(?:UNAVAILABLE|REJECTED)$/.test(error.code);
  throw isRefused ? new GatehouseError('GH_STORE_UNAVAILABLE', undefined, { cause }) : error;
}
