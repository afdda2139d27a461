/**
 * The vectors of documents on PostgreSQL, and the search among them by the extension pgvector. The vectors are arrays: the
 * schema does not need the extension, which only the search uses.
 *
 * 1. A vector belongs to the current text: triggers remove it, and fill the backlog, in the transaction that changes
 *    the document.
 * 2. A search compares all vectors of the owner, exactly.
 */
import { messageOf } from '#shared/errors';
import type { PostgresDatabase, PreparedStatement } from '#storage/postgres/postgres-database';
import { guardPostgres, sqlStateOf } from '#storage/postgres/postgres-errors';
import { storableText } from '#storage/postgres/storable-text';
import {
  missingExtension,
  type NearDocument,
  type OpenedVectors,
  type VectorSpace,
  type VectorStorage,
} from '../../semantic/embedding-port.ts';

const extensionName = 'vector';

/** Creates the extension in the database if it is missing. Returns the reason when it cannot be used. */
export async function openPostgresVectors(database: PostgresDatabase): Promise<OpenedVectors> {
  try {
    const schema = (await schemaOfExtension(database)) ?? (await createExtension(database));
    return { ok: true, store: createPostgresVectorStore(database, schema) };
  } catch (error) {
    return { ok: false, reason: `pgvector cannot be used: ${whyOf(error)} (${missingExtension})` };
  }
}

function whyOf(error: unknown): string {
  const state = sqlStateOf(error);
  // The server's folder of extensions has no control file of it.
  if (['0A000', '58P01'].includes(state)) {
    return 'it is not installed on the server; install the package postgresql-VERSION-pgvector';
  }
  if (state === '42501') {
    return 'the user may not create it; run as superuser: create extension vector';
  }
  return messageOf(error).split('\n')[0]!;
}

async function schemaOfExtension(database: PostgresDatabase): Promise<string | null> {
  const [row] = await database.run<{ name: string }>(
    {
      name: '',
      text: `select quote_ident(nspname) as name from pg_extension
        join pg_namespace on pg_namespace.oid = extnamespace where extname = $1`,
    },
    [extensionName],
  );
  return row?.name ?? null;
}

async function createExtension(database: PostgresDatabase): Promise<string> {
  await database.run({ name: '', text: `create extension if not exists ${extensionName}` }, []);
  return (await schemaOfExtension(database))!;
}

/** @param schema of the extension: it may not be in the search path */
function createPostgresVectorStore(database: PostgresDatabase, schema: string): VectorStorage {
  const all = <Row>(statement: PreparedStatement<Row>, ...values: unknown[]): Promise<Row[]> =>
    guardPostgres('The vectors cannot be read or written', () => database.run(statement, values));
  const nearest = nearestStatement(schema);

  return {
    dim: async () => (await all(statements.space))[0]?.dim ?? null,
    use: async (next) => (await all(statements.use, next.model, next.dim))[0]!.replaced,
    backlog: (limit) => all(statements.backlog, limit),
    backlogCount: async () => (await all(statements.count))[0]!.count,
    async put({ ticket, document }, chunks) {
      await all(
        statements.put,
        ticket,
        document,
        JSON.stringify(
          chunks.map(({ start, length, vector }) => ({ start, length, vector: [...vector] })),
        ),
      );
    },
    async setAside({ ticket }) {
      await all(statements.setAside, ticket);
    },
    async nearest(owner, vector, limit, signal) {
      const dim = (await all(statements.space))[0]?.dim;
      if (vector.length !== dim || signal.aborted) return [];
      return all(nearest, storableText(owner), [...vector], limit);
    },
  };
}

const statements = {
  space: {
    name: 'embedding_space',
    text: 'select model, dim from embedding_space where id = 1',
  } as PreparedStatement<VectorSpace>,
  use: {
    name: 'use_embedding_space',
    text: 'select use_embedding_space($1, $2) as replaced',
  } as PreparedStatement<{ replaced: boolean }>,
  backlog: {
    name: 'embedding_backlog',
    text: `select ticket, document.num as document, title, extracted_text as "extractedText",
        md_content as "mdContent"
      from embedding_backlog join document on document.num = embedding_backlog.document
      where set_aside = 0 order by ticket limit $1`,
  } as PreparedStatement<{
    ticket: number;
    document: number;
    title: string;
    extractedText: string;
    mdContent: string | null;
  }>,
  count: {
    name: 'embedding_backlog_count',
    text: 'select count(*) as count from embedding_backlog where set_aside = 0',
  } as PreparedStatement<{ count: number }>,
  put: { name: 'put_vectors', text: 'select put_vectors($1, $2, $3)' } as PreparedStatement<never>,
  setAside: {
    name: 'set_aside_document',
    text: 'update embedding_backlog set set_aside = 1 where ticket = $1',
  } as PreparedStatement<never>,
};

/** The best chunk of each document. */
const nearestStatement = (schema: string): PreparedStatement<NearDocument> => ({
  name: 'nearest_documents',
  text: `select id, start, length, 1 - distance as similarity from (
      select distinct on (document) document, start, length,
          vector::${schema}.vector operator(${schema}.<=>) $2::real[]::${schema}.vector as distance
        from document_chunk where owner = $1 order by document, distance) as best
    join document on document.num = best.document and deleted_at is null
    order by distance, document limit $3`,
});
