/** One who looks on over the socket: what was said to them, in order. */
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';

export interface Heard {
  type: string;
  [field: string]: unknown;
}

export interface Onlooker {
  socket: WebSocket;
  heard: Heard[];
  say(message: object): void;
  /** How many messages of this type were heard. */
  count(type: string): number;
}

/** Resolves when the socket is open. @throws with the status of a refusal */
export async function lookOn(
  url: string,
  options: { protocols?: string[]; headers?: Record<string, string>; query?: string } = {},
): Promise<Onlooker> {
  const { protocols = ['gatehouse.v1'], headers = {}, query = '' } = options;
  const address = `${url.replace('http', 'ws')}/inspect/ws${query}`;
  const socket = new WebSocket(address, protocols, { headers });
  onTestFinished(() => socket.terminate());
  const heard: Heard[] = [];
  socket.on('message', (data) => heard.push(JSON.parse(String(data)) as Heard));
  await once(socket, 'open');
  return {
    socket,
    heard,
    say: (message) => socket.send(JSON.stringify(message)),
    count: (type) => heard.filter((one) => one.type === type).length,
  };
}

/** The numbers of the rows that were told. */
export const framesOf = (heard: Heard[]): number[] =>
  heard
    .filter(({ type }) => type === 'gatehouse.frames')
    .flatMap(({ frames }) => (frames as { n: number }[]).map(({ n }) => n));
