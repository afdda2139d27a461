/** How a simulated server reads requests and answers them, in whole and with the failures of a network. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';

/**
 * A failure of the network or of a server in between, whatever the API:
 *
 * - `page`: an HTML page of the web server in front, with an HTTP error or a redirect; nothing is stored
 * - `says`: the given status and body: a refusal in another form, an empty response; nothing is stored
 * - `slow`: succeeds, but the headers come late and the body byte by byte
 * - `cut`: the connection ends; `atOnce` before the request was read, `unstored` after it was read, `stored` after its
 *   effect is stored, `answer` in the middle of the response (stored too)
 * - `down`: ends this connection and refuses new ones for a while
 */
export type NetworkFault =
  | { kind: 'page'; status: number }
  | { kind: 'says'; status: number; body: string; contentType?: string }
  | { kind: 'slow'; headersMs: number; bodyMs: number }
  | { kind: 'cut'; at: 'atOnce' | 'unstored' | 'stored' | 'answer' }
  | { kind: 'down'; forMs: number };

export interface RenderedResponse {
  status: number;
  headers: Record<string, string | number>;
  body: Buffer;
}

export const jsonType = 'application/json; charset="UTF-8"';

export const isCut = (
  fault: { kind: string } | null,
  at: (NetworkFault & { kind: 'cut' })['at'],
): boolean => fault?.kind === 'cut' && (fault as NetworkFault & { kind: 'cut' }).at === at;

export const nameOf = (fault: { kind: string; at?: string }): string =>
  fault.kind === 'cut' ? `cut ${fault.at}` : fault.kind;

/** Null if it is larger than `bytesMax`. */
export async function readBytes(
  request: IncomingMessage,
  bytesMax: number,
): Promise<Buffer | null> {
  const parts: Buffer[] = [];
  let bytes = 0;
  // Leaving the loop must not close the connection: the refusal is sent on it.
  const body: AsyncIterable<Buffer> = request.iterator({ destroyOnReturn: false });
  for await (const part of body) {
    bytes += part.length;
    if (bytes > bytesMax) return null;
    parts.push(part);
  }
  return Buffer.concat(parts);
}

export const readBody = async (
  request: IncomingMessage,
  bytesMax: number,
): Promise<string | null> => (await readBytes(request, bytesMax))?.toString('utf8') ?? null;

export function cut(request: IncomingMessage): void {
  request.socket.destroy();
}

export async function cutInTheMiddle(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, body }: RenderedResponse,
): Promise<void> {
  response.writeHead(status, headers);
  const half = body.subarray(0, Math.ceil(body.length / 2));
  await new Promise<void>((resolve) => response.write(half, () => resolve()));
  request.socket.end();
}

/** False if the client had disconnected. */
export function sendAtOnce(
  response: ServerResponse,
  { status, headers, body }: RenderedResponse,
): boolean {
  if (response.destroyed) return false;
  response.writeHead(status, headers);
  response.end(body);
  return true;
}

/** Number of pieces of a slow response. */
const dribbleSteps = 20;

/** False if the client disconnected before the end. */
export async function sendSlowly(
  response: ServerResponse,
  { status, headers, body }: RenderedResponse,
  { headersMs, bodyMs }: NetworkFault & { kind: 'slow' },
  signal: AbortSignal,
): Promise<boolean> {
  await pause(headersMs, null, { signal });
  if (response.destroyed) return false;
  response.writeHead(status, headers);
  response.flushHeaders();
  const step = Math.max(1, Math.ceil(body.length / dribbleSteps));
  for (let at = 0; at < body.length; at += step) {
    await pause(bodyMs / dribbleSteps, null, { signal });
    if (response.destroyed) return false;
    response.write(body.subarray(at, at + step));
  }
  response.end();
  return true;
}

export function sendText(
  response: ServerResponse,
  status: number,
  body: string,
  contentType: string,
): void {
  response.writeHead(status, {
    'content-type': contentType,
    ...(status === 204 ? {} : { 'content-length': Buffer.byteLength(body) }),
    ...(status >= 300 && status < 400 ? { location: '/' } : {}),
    ...(status === 413 ? { connection: 'close' } : {}),
  });
  response.end(body);
}
