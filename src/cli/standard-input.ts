/** Reads text piped into a command. */
import { fstatSync } from 'node:fs';
import { decodeText } from '#shared/text/decode-text';
import { CommandError } from '#http/client/core-client';

/** Larger than any message or attached file. */
const bytesMax = 4 * 1024 * 1024;
/** An open pipe without data looks like a command that hangs, so a notice is printed after this time. */
const noticeAfterMs = 3_000;

/** Whether standard input may have data: a pipe, a file or a socket, but not a terminal or /dev/null. */
export function isPiped(): boolean {
  try {
    const stat = fstatSync(0);
    return stat.isFIFO() || stat.isFile() || stat.isSocket();
  } catch {
    return false;
  }
}

/** Reads to the end; without trailing line ends. @throws CommandError if it is not text, or too long */
export async function readPipedText(): Promise<string> {
  const notice = setTimeout(() => {
    process.stderr.write('Waiting for standard input to end; < /dev/null gives none.\n');
  }, noticeAfterMs);
  const pieces: Buffer[] = [];
  let size = 0;
  try {
    for await (const piece of process.stdin) {
      clearTimeout(notice);
      pieces.push(piece as Buffer);
      size += (piece as Buffer).length;
      if (size > bytesMax) throw new CommandError('standard input is larger than 4 MiB');
    }
  } finally {
    clearTimeout(notice);
  }
  const text = decodeText(Buffer.concat(pieces));
  if (text === null) throw new CommandError('standard input is no text');
  return text.replaceAll('\r\n', '\n').replace(/\n+$/, '');
}
