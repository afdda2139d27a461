/** What is piped into a command, as text. */
import { fstatSync } from 'node:fs';
import { textOf } from '../lib/text-bytes.ts';
import { CommandError } from './core-client.ts';

/** More is no message, and no file that goes with one. */
const bytesMax = 4 * 1024 * 1024;
/** An open pipe without data looks like a command that hangs, so a notice is printed after this time. */
const noticeAfterMs = 3_000;

/** Whether something may come from there: a pipe, a file or a socket, and no terminal and no /dev/null. */
export function isPiped(): boolean {
  try {
    const stat = fstatSync(0);
    return stat.isFIFO() || stat.isFile() || stat.isSocket();
  } catch {
    return false;
  }
}

/** Up to its end; without the line end at the end. @throws CommandError where it is no text, or too long */
export async function pipedText(): Promise<string> {
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
  const text = textOf(Buffer.concat(pieces));
  if (text === null) throw new CommandError('standard input is no text');
  return text.replaceAll('\r\n', '\n').replace(/\n+$/, '');
}
