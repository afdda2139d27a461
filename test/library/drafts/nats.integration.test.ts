/** Published document events: on NATS in one order with the events of jobs, on SSE, and after outages. */
import { describe, expect, onTestFinished, test } from 'vitest';
import type { DocumentEvent, OutgoingEvent } from '#shared/wire/document-event';
import { openDatabase } from '#storage/database';
import { openLibrary } from '../library-fixture.ts';
import { createEventLogStore } from '#events/store/event-log-store';
import { direct } from '#test/support/core';
import { says } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';
import {
  broker,
  connectClient,
  natsCommand,
  readEvents,
  storedMessages,
} from '#test/events/nats-fixture';
import { openDrafts, types, type DraftsFixture } from './drafts-fixture.ts';

const memo = (n: number): string => `${n}번째 메모에는 스무 글자가 넘는 내용이 있습니다.`;

/** The ids of all events in the event log, in commit order. */
function everything({ fixture }: DraftsFixture): Promise<string[]> {
  return openDatabaseOf(fixture.config.database, (database) =>
    createEventLogStore(database)
      .after(0, 10_000)
      .rows.flatMap(({ events }) => events.map(({ id }) => id)),
  );
}

async function openDatabaseOf<Value>(
  path: string,
  look: (database: Awaited<ReturnType<typeof openDatabase>>) => Value,
): Promise<Value> {
  const database = await openDatabase({ path });
  try {
    return look(database);
  } finally {
    await database.close();
  }
}

describe.skipIf(natsCommand === null)('on NATS', () => {
  test('document events are in the stream with those of jobs, complete and in order, also after a broker restart', async () => {
    const server = await broker();
    const setting = await openDrafts({ nats: { mode: 'external', url: server.url } });
    const { promoted, waitForEvent: told, fixture, events } = setting;
    const { core, small, ask } = fixture;
    await until(() => core.messaging.status().bus === 'connected');
    small.script(direct('네'), direct('네'), direct('네'));
    const ids = [await promoted(memo(1)), await promoted(memo(2))];
    await ask('안녕');
    for (const id of ids) await told(id, 'drafted');
    await server.kill();
    await until(() => core.messaging.status().bus === 'connecting');
    ids.push(await promoted(memo(3)), await promoted(memo(4), 'ann.lee'));
    await ask('안녕하세요');
    for (const id of ids) await told(id, 'drafted');
    await server.restart();
    await until(() => core.messaging.flush());
    const last = await promoted(memo(5));
    ids.push(last);
    await told(last, 'drafted');
    expect(await core.messaging.flush()).toBe(true);

    const told5 = await Promise.all(ids.map((id) => events(id)));
    const [document] = told5;
    expect(types(document!)).toEqual(['queued', 'drafting', 'drafted']);
    const nc = await connectClient(server);
    const messages = await storedMessages(nc, 'GH_EVT');
    await fixture.core.stop();
    expect(messages.map(({ id }) => id)).toEqual(await everything(setting));
    for (const ofDocument of told5) {
      const { document_id: id } = ofDocument[0]!;
      const published = messages.filter(({ body }) => body['subject'] === id);
      expect(published.map(({ body }) => body['data'])).toEqual(ofDocument);
    }
    expect(messages.find(({ id }) => id === `${last}:3`)).toMatchObject({
      subject: `gatehouse.v1.evt.local.${last}.drafted`,
      body: { type: 'gatehouse.document.drafted.v1', subject: last, specversion: '1.0' },
    });
    // A user id that is not a valid subject token is a digest in the subject, and unchanged in the event.
    const [ann] = messages.filter(({ body }) => body['subject'] === ids[3]);
    expect(ann!.subject).toMatch(/^gatehouse\.v1\.evt\.u_[\w-]{22}\./);
    expect(ann!.body['data']).toMatchObject({ user_id: 'ann.lee' });
  });

  test('progress is published at most once per heartbeat, with the number of characters so far', async () => {
    const server = await broker();
    const {
      promoted,
      waitForEvent: told,
      events,
      model,
      fixture,
    } = await openDrafts({
      nats: { mode: 'external', url: server.url },
      jobs: { heartbeatMs: 50 },
    });
    const { core } = fixture;
    await until(() => core.messaging.status().bus === 'connected');
    model.script(says('낱말 '.repeat(60), { wordMs: 10 }));
    const id = await promoted(memo(1));
    await told(id, 'drafted');
    const progress = (await events(id)).filter(({ type }) => type === 'progress');
    expect(progress.length).toBeGreaterThan(1);
    const chars = progress.map(({ data }) => Number(data['chars']));
    expect(chars).toEqual(chars.toSorted((a, b) => a - b));
    const times = progress.map(({ at }) => Date.parse(at));
    for (const [n, at] of times.entries()) {
      if (n > 0) expect(at - times[n - 1]!).toBeGreaterThanOrEqual(50);
    }
    // Published at once: an idle relay polls only every 15 s.
    const nc = await connectClient(server);
    await until(
      async () => (await storedMessages(nc, 'GH_EVT')).length === (await events(id)).length,
    );
    const { events: read } = await readEvents(nc, (await events(id)).length);
    expect(read.map((event) => event.id)).toEqual((await events(id)).map((event) => event.id));
  });
});

describe('over HTTP', () => {
  const listen = async (url: string): Promise<{ events: OutgoingEvent[]; ids: string[] }> => {
    const gone = new AbortController();
    onTestFinished(() => gone.abort());
    const response = await fetch(url, { signal: gone.signal });
    const heard: { events: OutgoingEvent[]; ids: string[] } = { events: [], ids: [] };
    const read = async (): Promise<void> => {
      let text = '';
      for await (const bytes of response.body!) {
        const blocks = (text + Buffer.from(bytes as Uint8Array).toString()).split('\n\n');
        text = blocks.pop()!;
        for (const block of blocks) {
          const data = /^data: (.*)$/m.exec(block)?.[1];
          if (data === undefined) continue;
          heard.events.push(JSON.parse(data) as OutgoingEvent);
          heard.ids.push(/^id: (.*)$/m.exec(block)?.[1] ?? '');
        }
      }
    };
    read().catch(() => undefined);
    return heard;
  };

  test('the stream of a document sends its old and new events, each once', async () => {
    const { promoted, waitForEvent: told, events, call, fixture } = await openDrafts();
    const id = await promoted(memo(1));
    await told(id, 'drafted');
    const all = await listen(`${fixture.core.url}/documents/${id}/stream`);
    await until(() => all.events.length === 3);
    const late = await listen(`${fixture.core.url}/documents/${id}/stream?last_event_id=3`);
    await call('POST', `/documents/${id}/draft/accept`, {});
    await until(() => all.events.length === 4 && late.events.length === 1);
    expect(all.events).toEqual(await events(id));
    expect(all.ids).toEqual(['1', '2', '3', '4']);
    expect(late.events[0]).toMatchObject({ type: 'accepted', seq: 4 });
  });

  test('the stream of all events contains the events of documents and of jobs in commit order', async () => {
    const { promoted, waitForEvent: told, fixture } = await openDrafts();
    const heard = await listen(`${fixture.core.url}/events`);
    fixture.small.script(direct('네'));
    await fixture.ask('안녕');
    const id = await promoted(memo(1));
    await told(id, 'drafted');
    await until(() => heard.events.at(-1)?.type === 'drafted');
    const positions = heard.ids.filter((one) => one !== '').map(Number);
    expect(positions).toEqual(positions.toSorted((a, b) => a - b));
    const ofDocument = heard.events.filter(
      (event): event is DocumentEvent => 'document_id' in event,
    );
    expect(types(ofDocument)).toEqual(['queued', 'drafting', 'drafted']);
    expect(heard.events.length).toBeGreaterThan(ofDocument.length);
  });
});

describe('the document event store', () => {
  test('keeps the last event of each document when it removes old ones, and numbers on from it', async () => {
    const { library, storage, close } = await openLibrary();
    onTestFinished(close);
    const store = storage.events;
    const append = (documentId: string, at: number): Promise<void> =>
      library.commit(null, async (changes) =>
        changes.append({ documentId, userId: 'u', type: 'queued', state: 'waiting', at, data: {} }),
      );
    for (const at of [1, 2, 3]) await append('a', at);
    await append('b', 2);
    await append('b', 9);
    expect(await store.prune(5)).toBe(3);
    await append('a', 10);
    const seqs = async (id: string): Promise<number[]> =>
      (await store.ofDocument(id, 0, 10)).map(({ seq }) => seq);
    expect([await seqs('a'), await seqs('b')]).toEqual([[3, 4], [2]]);
  });
});
