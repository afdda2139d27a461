/** Row counts for metrics on PostgreSQL. Each count reads an index or a small table, never texts. */
import type { Counts } from '../count-store.ts';
import type { PostgresDatabase, PreparedStatement } from './postgres-database.ts';
import { guardPostgres } from './postgres-errors.ts';

type CountRow = Counts['drafts'] & Pick<Counts, 'documents' | 'parked'>;

const selectCounts: PreparedStatement<CountRow> = {
  name: 'select_counts',
  text: `select count(*) filter (where state = 'waiting') as waiting,
      count(*) filter (where state = 'drafting') as drafting,
      count(*) filter (where state = 'dead') as dead,
      (select count(*) from document)
        - (select count(*) from document where deleted_at is not null) as documents,
      (select count(*) from job where wake_at is not null and ended_at is null) as parked
    from draft`,
};

export const createPostgresCountStore =
  (database: PostgresDatabase): (() => Promise<Counts>) =>
  async () => {
    const [row] = await guardPostgres('The database cannot be read', () =>
      database.run(selectCounts, []),
    );
    const { documents, parked, ...drafts } = row!;
    return { documents, drafts, parked };
  };
