/** The output stream of node:readline: the terminal, or nothing while an answer is streamed there. */
import { Writable } from 'node:stream';
import type { WriteStream } from 'node:tty';

export class Screen extends Writable {
  readonly isTTY = true;
  isMuted = true;
  readonly #terminal: WriteStream;
  readonly #onResize: () => void;

  constructor(terminal: WriteStream, onResize: () => void) {
    super();
    this.#terminal = terminal;
    this.#onResize = onResize;
    terminal.on('resize', onResize);
  }

  get columns(): number {
    return this.#terminal.columns;
  }

  get rows(): number {
    return this.#terminal.rows;
  }

  close(): void {
    this.#terminal.off('resize', this.#onResize);
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    if (!this.isMuted) this.#terminal.write(chunk);
    done();
  }
}
