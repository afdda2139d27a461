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
