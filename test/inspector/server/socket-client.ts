/** A client of the inspector socket that records the received messages in order. */
import { once } from 'node:events';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';

export interface ReceivedMessage {
  type: string;
  [field: string]: unknown;
}

export interface SocketClient {
  socket: WebSocket;
  received: ReceivedMessage[];
  send(message: object): void;
  /** The number of received messages of this type. */
  count(type: string): number;
}

/** Resolves when the socket is open. @throws with the status of a refusal */
export async function openSocketClient(
  url: string,
  options: { protocols?: string[]; headers?: Record<string, string>; query?: string } = {},
): Promise<SocketClient> {
  const { protocols = ['gatehouse.v1'], headers = {}, query = '' } = options;
  const address = `${url.replace('http', 'ws')}/inspect/ws${query}`;
  const socket = new WebSocket(address, protocols, { headers });
  onTestFinished(() => socket.terminate());
  const received: ReceivedMessage[] = [];
  socket.on('message', (data) => received.push(JSON.parse(String(data)) as ReceivedMessage));
  await once(socket, 'open');
  return {
    socket,
    received,
    send: (message) => socket.send(JSON.stringify(message)),
    count: (type) => received.filter((one) => one.type === type).length,
  };
}

/** The row numbers of the received frames. */
export const framesOf = (heard: ReceivedMessage[]): number[] =>
  heard
    .filter(({ type }) => type === 'gatehouse.frames')
    .flatMap(({ frames }) => (frames as { n: number }[]).map(({ n }) => n));
