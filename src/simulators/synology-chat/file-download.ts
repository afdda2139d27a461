/** Downloads the `file_url` of a post, as the NAS does: limited in size and time. */
import type { ChatFile } from './chat-types.ts';
import type { ParseResult } from './payload.ts';

/** The NAS's timeout for a file is undocumented; clients usually wait 30 s or more. */
const downloadMs = 10_000;

export async function downloadFile(
  address: string,
  bytesMax: number,
  closing: AbortSignal,
): Promise<ParseResult<ChatFile>> {
  const unreachable = (errors: string) => ({ ok: false as const, code: 117, errors });
  const tooBig = { ok: false as const, code: 409, errors: 'file too big' };
  if (!URL.canParse(address) || !/^https?:$/.test(new URL(address).protocol)) {
    return unreachable('illegal path');
  }
  const url = new URL(address);
  try {
    const signal = AbortSignal.any([closing, AbortSignal.timeout(downloadMs)]);
    const response = await fetch(url, { signal });
    if (!response.ok || response.body === null) {
      await response.body?.cancel();
      return unreachable(`file_url answers ${response.status}`);
    }
    const parts: Uint8Array[] = [];
    let bytes = 0;
    for await (const part of response.body) {
      bytes += part.byteLength;
      // Leaving the loop cancels the download.
      if (bytes > bytesMax) return tooBig;
      parts.push(part);
    }
    const name = decodeURIComponent(url.pathname.split('/').at(-1) ?? '') || 'file';
    const type = response.headers.get('content-type') ?? 'application/octet-stream';
    return { ok: true, value: { name, type, content: Buffer.concat(parts) } };
  } catch {
    return unreachable('file_url cannot be fetched');
  }
}
