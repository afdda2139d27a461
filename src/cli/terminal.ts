/** The terminal and the standard streams of a command. */
import { fstatSync } from 'node:fs';
import { decodeText } from '#shared/text/decode-text';
import { CommandError } from '#http/client/core-client';

/** Colours only on a terminal, unless the user has disabled them (https://no-color.org). */
export const ttyOf = (stream: NodeJS.WriteStream): Terminal => ({
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  isColoured: stream.isTTY && stream.hasColors(),
  isLive: stream.isTTY,
});

/** For machine-readable output. */
export const muteTerminal: Terminal = {
  out: () => undefined,
  err: () => undefined,
  isColoured: false,
  isLive: false,
};

/**
 * Text from others, made safe for a terminal: without control characters, which could move the cursor or set the window
 * title.
 */
export const sanitizeForTerminal = (text: string): string =>
  text.replaceAll('\r\n', '\n').replaceAll(/(?![\n\t])\p{Cc}/gu, '');

export interface Terminal {
  out(text: string): void;
  err(text: string): void;
  isColoured: boolean;
  /** Whether the answer is streamed; a pipe gets only the whole answer, once. */
  isLive: boolean;
}

/** Runs `work` with a signal that aborts on Ctrl-C. */
export async function untilInterrupted<Value>(
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once('SIGINT', onSignal);
  try {
    return await work(stop.signal);
  } finally {
    process.off('SIGINT', onSignal);
  }
}

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
