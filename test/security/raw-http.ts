/** Sends bytes to a server that no regular client would send, and returns the answer. */
import { connect, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

export interface RawAnswer {
  /** 0 if the connection ended without an answer. */
  status: number;
  text: string;
}

/** Open until the server closes it, or until the test has finished. */
export async function openSocket(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.on('error', () => undefined);
  onTestFinished(() => void socket.destroy());
  await new Promise<void>((resolve) => {
    socket.once('connect', resolve);
    socket.once('close', () => resolve());
  });
  return socket;
}

/** Sends the bytes and reads until the server ends the connection. */
export async function sendRaw(url: string, bytes: string | Uint8Array): Promise<RawAnswer> {
  const socket = await openSocket(url);
  const ended = readToEnd(socket);
  socket.write(bytes);
  return ended;
}

export async function readToEnd(socket: Socket): Promise<RawAnswer> {
  const parts: Buffer[] = [];
  socket.on('data', (part: Buffer) => void parts.push(part));
  if (!socket.destroyed)
    await new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const text = Buffer.concat(parts).toString('latin1');
  return { status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text };
}
