/**
 * The wire protocol of a PostgreSQL of another version, as far as a client needs it to ask for the version: the real old
 * servers are not in Debian's packages any more. It accepts every login, and answers each query with its version.
 */
import { createServer, type AddressInfo } from 'node:net';

export interface OldServer {
  port: number;
  queries: string[];
  close(): Promise<void>;
}

const int16 = (value: number): Buffer => {
  const buffer = Buffer.alloc(2);
  buffer.writeInt16BE(value);
  return buffer;
};
const int32 = (value: number): Buffer => {
  const buffer = Buffer.alloc(4);
  buffer.writeInt32BE(value);
  return buffer;
};
const text = (value: string): Buffer => Buffer.from(`${value}\0`);

function message(type: string, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from(type), int32(body.length + 4), body]);
}

const ready = message('Z', Buffer.from('I'));
const textType = 25;

function answer(columns: Record<string, string>): Buffer {
  const names = Object.keys(columns);
  const fields = names.flatMap((name) => [
    text(name),
    int32(0),
    int16(0),
    int32(textType),
    int16(-1),
    int32(-1),
    int16(0),
  ]);
  const values = Object.values(columns).flatMap((value) => [
    int32(Buffer.byteLength(value)),
    Buffer.from(value),
  ]);
  return Buffer.concat([
    message('T', int16(names.length), ...fields),
    message('D', int16(names.length), ...values),
    message('C', text('SELECT 1')),
    ready,
  ]);
}

/** @param answers columns of the answer to every query; `version` is also the parameter that it reports at the login */
export async function startOldServer(answers: {
  num: string;
  version: string;
}): Promise<OldServer> {
  const queries: string[] = [];
  const sockets = new Set<{ destroy(): void }>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    let isOpen = false;
    let input = Buffer.alloc(0);
    socket.on('data', (chunk: Buffer) => {
      input = Buffer.concat([input, chunk]);
      for (;;) {
        // The first message has no type.
        const head = isOpen ? 1 : 0;
        if (input.length < head + 4) return;
        const end = head + input.readInt32BE(head);
        if (input.length < end) return;
        const [type, body] = [input.subarray(0, head).toString(), input.subarray(head + 4, end)];
        input = input.subarray(end);
        if (!isOpen) {
          isOpen = true;
          const version = message('S', text('server_version'), text(answers.version));
          socket.write(Buffer.concat([message('R', int32(0)), version, ready]));
        } else if (type === 'Q') {
          queries.push(body.subarray(0, -1).toString());
          socket.write(answer(answers));
        }
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    queries,
    close: () =>
      new Promise((resolve) => {
        for (const socket of sockets) socket.destroy();
        server.close(() => resolve());
      }),
  };
}
