/** Changes of the library on PostgreSQL among the commits of jobs: order, lost answers, fenced owners, connections that are cut. */
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { DocumentStorage, LibraryChange } from '#library/document-port';
import { createPostgresDocumentStore } from '#library/store/postgres/postgres-document-store';
import type { PartitionWriter } from '#storage/postgres/partition-writer';
import { openSeverableProxy } from '#test/chaos/severable-proxy';
import {
  add,
  changeOf,
  documentOf,
  eventOf,
  found,
  tokensOf,
  wanted,
  word,
} from '#test/storage/contract/library-changes';
import { jobInput, newJobChange } from '#test/support/jobs';
import { until } from '#test/support/journal';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';
import { openPostgresWorker } from '#test/support/postgres-worker';

/** As the owner of the tests' databases, over TCP. */
const keeperOptions = ({ port, role }: PostgresServer) => ({
  ...role,
  host: '127.0.0.1',
  port,
  ssl: false,
});

describe.skipIf(postgresMissing() !== null)('a change of the library on PostgreSQL', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(() => server.remove());

  const openOwner = async (database: string, port?: number) => {
    const owner = await openPostgresWorker({ url: server.urlOf(database, port) });
    onTestFinished(() => owner.close());
    await owner.takePartitions();
    return { ...owner, documents: createPostgresDocumentStore(owner.database, owner.writer) };
  };
  const seqsOf = async (documents: DocumentStorage, id: string) =>
    (await documents.events.ofDocument(id, 0, 100)).map(({ seq }) => seq);

  test('has its events in the order of all commits of its user, beside those of jobs', async () => {
    const owner = await openOwner(await server.createDatabase());
    const job = (id: string) => {
      const emitted = [{ type: 'processing' as const, state: 'ack' as const, data: {} }];
      const row = { n: 1, at: 1, event: { type: 'x' }, value: 'ack', seq: 1, emitted };
      return newJobChange(jobInput({ jobId: id, userId: 'ann' }), [row], 1);
    };
    await add(owner.documents, documentOf('d'));
    await owner.jobs.commit([job('one')]);
    await owner.documents.commit(changeOf({ events: [eventOf('d'), eventOf('d')] }));
    await owner.jobs.commit([job('two')]);
    await owner.documents.commit(changeOf({ events: [eventOf('d')] }));
    await (await owner.takeSequencer()).append();
    const { rows } = await owner.events.after(0, 100);
    const ids = rows.flatMap(({ events }) => events.map(({ id }) => id));
    expect(ids).toEqual(['one:1', 'd:1', 'd:2', 'two:1', 'd:3']);
  });

  test('whose answer is lost returns its events with the numbers that they were stored with', async () => {
    const { writer, database, documents } = await openOwner(await server.createDatabase());
    const withoutAnswers: PartitionWriter = {
      hold: (leases, workerId) => writer.hold(leases, workerId),
      holds: (partition) => writer.holds(partition),
      evict: (partitions) => writer.evict(partitions),
      close: () => writer.close(),
      async write(write) {
        await writer.write(write);
        return (await write.readAnswer?.()) ?? null;
      },
    };
    const lost = createPostgresDocumentStore(database, withoutAnswers);
    await documents.commit(changeOf({ events: [eventOf('a'), eventOf('b')] }));
    const stored = await lost.commit(
      changeOf({ events: [eventOf('a'), { ...eventOf('c'), userId: 'bob' }, eventOf('a')] }),
    );
    expect(stored).toMatchObject([{ id: 'a:2' }, { id: 'c:1', user_id: 'bob' }, { id: 'a:3' }]);
  });

  test('of an owner that was fenced is refused, and nothing of it is written', async () => {
    const name = await server.createDatabase();
    const stale = await openOwner(name);
    await add(stale.documents, documentOf('a', { sourceMetadata: wanted }));
    const owner = await openOwner(name);
    const record = (await owner.documents.drafts.find('a'))!;
    const changes: Partial<LibraryChange>[] = [
      { added: [{ document: documentOf('b'), tokens: null }], events: [eventOf('b')] },
      { drafts: [{ documentId: 'a', record: { ...record, state: 'drafting' } }] },
      { settings: [{ name: 'paused_at', value: '1' }] },
    ];
    for (const change of changes) {
      await expect(stale.documents.commit(changeOf(change))).rejects.toMatchObject({
        code: 'GH_STORE_FENCED',
      });
    }
    expect(await owner.documents.find('b')).toBeNull();
    expect(await owner.documents.drafts.find('a')).toEqual(record);
    expect(await owner.documents.drafts.getSetting('paused_at')).toBeNull();
    await add(owner.documents, documentOf('b'));
  });

  test('is stored once while its connections are cut again and again', async () => {
    const proxy = await openSeverableProxy(server.port);
    onTestFinished(() => proxy.close());
    const { documents } = await openOwner(await server.createDatabase(), proxy.port);
    await add(documents, documentOf('a'));
    const acknowledged: number[] = [];
    for (let n = 1; n <= 40; n += 1) {
      const commit = Promise.resolve(documents.commit(changeOf({ events: [eventOf('a', n)] })));
      // Before, during and after the statement.
      await new Promise((resolve) => setTimeout(resolve, n % 8));
      proxy.sever();
      proxy.restore();
      const stored = await commit.catch(() => null);
      if (Array.isArray(stored)) acknowledged.push(stored[0]!.seq);
    }
    const stored = await seqsOf(documents, 'a');
    expect(stored).toEqual(stored.map((_, index) => index + 1));
    expect(acknowledged.filter((seq) => !stored.includes(seq))).toEqual([]);
    expect(new Set(acknowledged).size).toBe(acknowledged.length);
    expect(acknowledged.length).toBeGreaterThan(0);
  });

  describe('of a long text', () => {
    const longTokens = (first: string, last: string) => {
      const words = Array.from({ length: 60_000 }, (_, index) => `w${index}`);
      return tokensOf([first, ...words, last].join(' '));
    };
    const addLong = (documents: DocumentStorage, id: string, first = 'first', last = 'last') =>
      documents.commit(
        changeOf({ added: [{ document: documentOf(id), tokens: longTokens(first, last) }] }),
      );
    const piecesOf = async (name: string): Promise<number[]> =>
      (await server.run('select piece from document_words order by piece', name)).rows.map(
        ({ piece }: { piece: number }) => piece,
      );
    /** Statements that store this piece wait until the returned function is called. */
    const holdPiece = async (name: string, piece: number) => {
      await server.run(
        `create table gate (id int); insert into gate values (1);
        grant all on gate to ${server.role.user};
        create function wait_at_gate() returns trigger language plpgsql security definer as $$
          begin perform from gate for share; return new; end $$;
        create trigger wait_at_gate before insert on document_words
          for each row when (new.piece = ${piece}) execute function wait_at_gate()`,
        name,
      );
      const { promise: opened, resolve: open } = Promise.withResolvers<void>();
      const { promise: held, resolve: hold } = Promise.withResolvers<void>();
      const keeper = new pg.Client({ ...keeperOptions(server), database: name });
      await keeper.connect();
      void (async () => {
        await keeper.query('begin; select from gate for update');
        hold();
        await opened;
        await keeper.query('commit');
        await keeper.end();
      })();
      await held;
      return open;
    };

    test('lets the commits of others through between two pieces, and is found by all its words then', async () => {
      const name = await server.createDatabase();
      const { documents, jobs } = await openOwner(name);
      const open = await holdPiece(name, 2);
      const long = addLong(documents, 'long');
      await until(async () => (await piecesOf(name)).includes(1));
      expect(await piecesOf(name)).toEqual([-1, 1]);
      // Of the same user, so of the same partition.
      await add(documents, documentOf('short'));
      await jobs.commit([newJobChange(jobInput({ jobId: 'one', userId: 'ann' }), [], 1)]);
      open();
      await long;
      const pieces = await piecesOf(name);
      expect(pieces.slice(0, 3)).toEqual([0, 1, 2]);
      const both = { all: [word('first'), word('last')] };
      expect(await found(documents, both)).toEqual(['long']);
    });

    test('that changes again meanwhile has the words of the last change only', async () => {
      const name = await server.createDatabase();
      const { documents } = await openOwner(name);
      const open = await holdPiece(name, 3);
      const long = addLong(documents, 'long', 'old', 'older');
      await until(async () => (await piecesOf(name)).includes(2));
      const document = documentOf('long', { updatedAt: 2 });
      const changed = documents.commit(
        changeOf({ replaced: [{ document, tokens: longTokens('new', 'newer') }] }),
      );
      open();
      await Promise.all([long, changed]);
      expect(await found(documents, word('newer'))).toEqual(['long']);
      expect(await found(documents, word('old'))).toEqual([]);
      expect(await piecesOf(name)).not.toContain(-1);
    });

    test('is outdated when its process ends between two pieces, and is indexed by the next one', async () => {
      const name = await server.createDatabase();
      const first = await openOwner(name);
      await server.run(
        `create function refuse() returns trigger language plpgsql as $$
          begin raise exception 'the process has ended'; end $$;
        create trigger refuse before insert on document_words for each row
          when (new.piece > 1) execute function refuse()`,
        name,
      );
      // The document is stored; its words are not.
      await addLong(first.documents, 'long');
      expect(await piecesOf(name)).toEqual([-1, 1]);
      await server.run('drop trigger refuse on document_words', name);
      const { documents } = await openOwner(name);
      expect(await documents.outdatedIndex(10)).toEqual([{ id: 'long', hasTokens: false }]);
      await documents.commit(
        changeOf({ reindexed: [{ id: 'long', tokens: longTokens('first', 'last') }] }),
      );
      expect(await documents.outdatedIndex(10)).toEqual([]);
      expect(await found(documents, { all: [word('first'), word('last')] })).toEqual(['long']);
    });
  });
});
