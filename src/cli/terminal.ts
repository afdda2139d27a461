import type { Terminal } from './chat-view.ts';

/** Colours only on a terminal, and not where the person has asked for none (https://no-color.org). */
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

/** What others wrote, for a terminal: without control characters, which could move the cursor or name the window. */
export const shownText = (text: string): string =>
  text.replaceAll('\r\n', '\n').replaceAll(/(?![\n\t])\p{Cc}/gu, '');
