/** Changes of the library on PostgreSQL among the commits of jobs: order, lost answers, fenced owners, connections that are cut. */
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { DocumentStorage, LibraryChange } from '#library/document-port';
import { createPostgresDocumentStore } from '#library/store/postgres/postgres-document-store';
import type { PartitionWriter } from '#storage/postgres/partition-writer';
import { openSeverableProxy } from '#test/chaos/severable-proxy';
import { add, changeOf, documentOf, eventOf, wanted } from '#test/storage/contract/library-changes';
import { jobInput, newJobChange } from '#test/support/jobs';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';
import { openPostgresWorker } from '#test/support/postgres-worker';

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
});
