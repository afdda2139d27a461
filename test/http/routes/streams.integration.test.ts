/** The event streams of a document and of a job: a long history arrives complete, at the speed of the reader. */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { DocumentEvent } from '#shared/wire/document-event';
import type { StateEvent } from '#shared/wire/state-event';
import { streamStoredEvents, type StoredEventFeed } from '#http/routes/stored-event-stream';
import { waitForDrain } from '#http/server/sse-stream';
import { streamJobEvents } from '#http/routes/job-event-stream';

async function serve(answer: (response: ServerResponse) => void): Promise<number> {
  const server = createServer((_request, response) => answer(response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => server.close().closeAllConnections());
  return (server.address() as AddressInfo).port;
}

/** The event ids of the stream, up to `last`. */
async function seqsOf(port: number, last: number): Promise<number[]> {
  const response = await fetch(`http://127.0.0.1:${port}/`);
  const seqs: number[] = [];
  let rest = '';
  for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    for (const line of lines) if (line.startsWith('id: ')) seqs.push(Number(line.slice(4)));
    if ((seqs.at(-1) ?? 0) >= last) break;
  }
  return seqs.slice(0, last);
}

const numbers = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** 4 MB in total: four times the limit of bytes that wait for a reader. */
const count = 1_000;
const data = { note: 'x'.repeat(4_000) };

function documentSource(): StoredEventFeed & { happen(): void; readers(): number } {
  const stored = numbers(1, count).map(
    (seq) => ({ document_id: 'd', seq, type: 'progress', data }) as unknown as DocumentEvent,
  );
  const listeners = new Set<() => void>();
  return {
    events: async (_id, afterSeq) => stored.slice(afterSeq, afterSeq + 200),
    subscribe(_id, listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    happen() {
      stored.push({ ...stored[0]!, seq: stored.length + 1 });
      for (const listener of listeners) listener();
    },
    readers: () => listeners.size,
  };
}

describe('the stream of a document', () => {
  test('sends a history of megabytes and the events during and after it, each once', async () => {
    const source = documentSource();
    const port = await serve((response) => {
      void streamStoredEvents(response, source, 'd', 0);
      source.happen();
    });
    const read = seqsOf(port, count + 2);
    setTimeout(() => source.happen());
    // An event after the stored history wakes a stream that waits.
    const again = setInterval(() => source.happen(), 50);
    onTestFinished(() => clearInterval(again));
    expect(await read).toEqual(numbers(1, count + 2));
  });

  test('ends when its reader disconnects in the middle', async () => {
    const source = documentSource();
    const ended = Promise.withResolvers<void>();
    const port = await serve((response) => {
      void streamStoredEvents(response, source, 'd', 0).then(ended.resolve);
    });
    const socket = connect(port, '127.0.0.1');
    socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
    await once(socket, 'data');
    expect(source.readers()).toBe(1);
    socket.destroy();
    await ended.promise;
    expect(source.readers()).toBe(0);
  });
});

test('the stream of a job sends a history of megabytes, then the events published meanwhile', async () => {
  const event = (seq: number, type: string): StateEvent =>
    ({ job_id: 'j', seq, type, data }) as unknown as StateEvent;
  const stored = numbers(1, count).map((seq) => event(seq, 'state'));
  const port = await serve((response) => {
    let tell: ((told: StateEvent) => void) | null = null;
    void streamJobEvents(
      response,
      {
        events: (_id, afterSeq) => Promise.resolve(stored.slice(afterSeq)),
        subscribe(_id, listener) {
          tell = (told) => listener.event(told);
          return () => (tell = null);
        },
        textSoFar: () => null,
      },
      'j',
      0,
    );
    response.once('drain', () => tell!(event(count + 1, 'done')));
  });
  expect(await seqsOf(port, count + 1)).toEqual(numbers(1, count + 1));
});

test('a reader that reads nothing within the time limit is given up, and its listeners are removed', async () => {
  const given = Promise.withResolvers<[boolean, number]>();
  const port = await serve((response) => {
    // More than the socket buffers of the system hold.
    response.write(Buffer.alloc(32 * 1024 * 1024));
    const before = response.listenerCount('drain') + response.listenerCount('close');
    void waitForDrain(response, 10).then((isRead) =>
      given.resolve([
        isRead,
        response.listenerCount('drain') + response.listenerCount('close') - before,
      ]),
    );
  });
  const socket = connect(port, '127.0.0.1');
  onTestFinished(() => void socket.destroy());
  socket.pause();
  socket.write('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');
  expect(await given.promise).toEqual([false, 0]);
});
