/** Journals of the tests on a real PostgreSQL. */
import { afterAll, afterEach, beforeAll, beforeEach } from 'vitest';
import { openJournalOn, type OpenJournal } from './journal.ts';
import type { Journals } from './journal-fixtures.ts';
import { startPostgres, type PostgresServer } from './postgres-server.ts';
import { openPostgresWorker } from './postgres-worker.ts';
import { emptyTables } from './stores.ts';

/** To be called at the top of a test file: one server and one database, which each test finds empty. */
export function usePostgresJournals(): Journals<OpenJournal> {
  let server: PostgresServer;
  let name: string;
  let open: OpenJournal[] = [];
  beforeAll(async () => {
    server = await startPostgres();
    name = await server.createDatabase();
    await (await openPostgresWorker({ url: server.urlOf(name) })).close();
  });
  beforeEach(async () => {
    open = [];
    await server.run(emptyTables, name);
  });
  afterEach(async () => {
    for (const fixture of open) await fixture.close();
  });
  afterAll(() => server.remove());

  const start: Journals<OpenJournal>['start'] = async (options = {}) => {
    const worker = await openPostgresWorker({ url: server.urlOf(name) });
    await worker.takePartitions();
    const fixture = openJournalOn(
      {
        storage: worker.jobs,
        run: async (text) => void (await server.run(text, name)),
        async storedEvents() {
          await (await worker.takeSequencer()).append();
          return (await worker.events.after(0, 100)).rows;
        },
        close: () => worker.close(),
      },
      options,
    );
    open.push(fixture);
    return fixture;
  };
  return {
    start,
    async restart(fixture, options = {}, between = () => undefined) {
      await fixture.close();
      between();
      open = open.filter((one) => one !== fixture);
      const next = await start(options);
      await next.journal.resume();
      return next;
    },
  };
}
