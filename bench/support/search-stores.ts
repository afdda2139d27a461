/** The storages that a search needs, on a database of its own. */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DocumentStorage } from '#library/document-port';
import type { OpenedVectors } from '#library/semantic/embedding-port';
import { createDocumentStore } from '#library/store/document-store';
import { createPostgresDocumentStore } from '#library/store/postgres/postgres-document-store';
import { openPostgresVectors } from '#library/store/postgres/postgres-vector-store';
import { openVectorStore } from '#library/store/vector-store';
import { openDatabase } from '#storage/database';
import { preparePostgres, prepareVectors, startPostgres } from '#test/support/postgres-server';
import { openPostgresWorker } from '#test/support/postgres-worker';

export interface SearchStores {
  documents: DocumentStorage;
  openVectors(): Promise<OpenedVectors>;
  /** On disk. */
  bytes(): Promise<number>;
  close(): Promise<void>;
}

export const openSearchStores = (kind: 'sqlite' | 'postgres'): Promise<SearchStores> =>
  kind === 'sqlite' ? openSqlite() : openPostgresServer();

async function openSqlite(): Promise<SearchStores> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  const path = join(folder, 'search.db');
  const database = await openDatabase({ path, synchronous: 'NORMAL' });
  return {
    documents: createDocumentStore(database),
    openVectors: () => openVectorStore(database),
    bytes: async () => statSync(path).size,
    async close() {
      await database.close();
      rmSync(folder, { recursive: true });
    },
  };
}

async function openPostgresServer(): Promise<SearchStores> {
  const missing = preparePostgres();
  if (missing !== null) throw new Error(missing);
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  const isWithoutVectors = prepareVectors() !== null;
  const config = 'shared_buffers = 128MB';
  const server = await startPostgres({ folder, config, hasVectors: !isWithoutVectors });
  const name = await server.createDatabase();
  if (!isWithoutVectors) await server.run('create extension vector', name);
  const worker = await openPostgresWorker({ url: server.urlOf(name) });
  await worker.takePartitions();
  return {
    documents: createPostgresDocumentStore(worker.database, worker.writer),
    openVectors: () => openPostgresVectors(worker.database),
    async bytes() {
      const { rows } = await server.run('select pg_database_size(current_database())', name);
      return Number(rows[0].pg_database_size);
    },
    async close() {
      await worker.close();
      await server.remove();
    },
  };
}
