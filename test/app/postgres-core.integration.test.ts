/** A whole core on a real PostgreSQL. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { direct, openCore, type CoreFixture } from '../support/core.ts';
import { postgresMissing, startPostgres, type PostgresServer } from '../support/postgres-server.ts';

let server: PostgresServer;

beforeAll(async () => {
  if (postgresMissing() === null) server = await startPostgres();
});
afterAll(() => server?.remove());

async function openOnPostgres(database?: string): Promise<CoreFixture> {
  const url = server.urlOf(database ?? (await server.createDatabase()));
  const fixture = await openCore({ database: url });
  onTestFinished(() => fixture.close());
  return fixture;
}

describe.skipIf(postgresMissing() !== null)('a core on PostgreSQL', () => {
  test('answers a message, and its events have the order of their commits', async () => {
    const fixture = await openOnPostgres();
    fixture.small.script(direct('The answer.'));
    const { end, types } = await fixture.ask('How does a heat pump work?');
    expect(end.data).toMatchObject({ reply: 'The answer.' });
    expect(types[0]).toBe('ack');
  });
});
