/** The same cases of the journal as on SQLite, on a real PostgreSQL. */
import { describe } from 'vitest';
import { postgresMissing } from '#test/support/postgres-server';
import { usePostgresJournals } from '#test/support/postgres-journals';
import { damageCases } from './damage-cases.ts';
import { edgeCases } from './edge-cases.ts';
import { turnCases } from './turn-cases.ts';

describe.skipIf(postgresMissing() !== null)('on PostgreSQL:', () => {
  const journals = usePostgresJournals();
  edgeCases(journals);
  turnCases(journals);
  damageCases(journals);
});
