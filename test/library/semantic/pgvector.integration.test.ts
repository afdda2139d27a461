/** The extension pgvector: present, not installed, not allowed, in another schema. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { openPostgresVectors } from '#library/store/postgres/postgres-vector-store';
import { openPostgres } from '#storage/postgres/postgres-database';
import {
  postgresMissing,
  startPostgres,
  vectorsMissing,
  type PostgresServer,
} from '#test/support/postgres-server';

async function openVectors(server: PostgresServer, prepare?: string) {
  const name = await server.createDatabase();
  if (prepare !== undefined) await server.run(prepare, name);
  const database = await openPostgres({ url: server.urlOf(name) });
  onTestFinished(() => database.close());
  return openPostgresVectors(database);
}

describe.skipIf(postgresMissing() !== null)('a server without pgvector', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server?.remove());

  test('is reported in one sentence, with the package to install', async () => {
    expect(await openVectors(server)).toEqual({
      ok: false,
      reason: expect.stringMatching(
        /^pgvector cannot be used: it is not installed .*-pgvector \(GH_SEARCH_EXTENSION\)$/,
      ),
    });
  });
});

describe.skipIf(vectorsMissing() !== null)('a server with pgvector', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres({ hasVectors: true });
  });
  afterAll(() => server?.remove());

  test('whose user may not create it is reported with the statement for a superuser', async () => {
    const opened = await openVectors(server);
    expect(opened).toMatchObject({
      ok: false,
      reason: expect.stringMatching(
        /may not create it; run as superuser: create extension vector \(GH_SEARCH_EXTENSION\)$/,
      ),
    });
  });

  test('is used from any schema, also one outside of the search path', async () => {
    const opened = await openVectors(
      server,
      'create schema "Odd name"; create extension vector schema "Odd name"; grant usage on schema "Odd name" to public',
    );
    if (!opened.ok) throw new Error(opened.reason);
    await opened.store.use({ model: 'm', dim: 2 });
    const { signal } = new AbortController();
    expect(await opened.store.nearest('ann', Float32Array.of(1, 0), 5, signal)).toEqual([]);
  });
});
