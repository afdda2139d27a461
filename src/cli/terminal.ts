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
