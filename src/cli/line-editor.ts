/**
 * The input line of a terminal, over node:readline, which handles keys, wide characters and wrapped lines.
 *
 * T1 The line is drawn only while a prompt is shown (`next`). Text typed in between is kept and not drawn.
 * T2 A bracketed paste is one text, with its line ends; only Enter sends it. Control characters in it are dropped.
 * T3 Output that arrives while a prompt is shown is written above the prompt.
 */
import { createInterface, cursorTo, clearScreenDown, moveCursor } from 'node:readline';
import type { Interface, Key } from 'node:readline';
import type { ReadStream, WriteStream } from 'node:tty';
import type { ChatHistory } from './chat-history.ts';
import { pastedText, PastedTexts } from './pasted-texts.ts';
import { Writable } from 'node:stream';

export interface Line {
  text: string;
  /** The line was entered before the prompt that it now answers was shown. */
  isTypeAhead: boolean;
}

export interface LineEditorOptions {
  input: ReadStream;
  output: WriteStream;
  history: ChatHistory;
  /** Called on Ctrl-C, except when it clears a line. */
  onInterrupt(): void;
  /** Called for a line entered without a prompt. True: the line was handled, and is not kept. */
  onLineWhileBusy(text: string): boolean;
}

/** Internal method of node:readline that handles each key; Node's REPL overrides it too. */
const takeKey = '_ttyWrite';

/** Members of node:readline: `line` and `cursor` are documented for reading. */
interface Internals {
  line: string;
  cursor: number;
  /** How many rows the cursor was below the first row of the line at the last drawing. */
  prevRows: number;
  [takeKey](text: string | undefined, key: Key): void;
}

const pasteOn = '\u001b[?2004h';
const pasteOff = '\u001b[?2004l';

export class LineEditor {
  readonly #options: LineEditorOptions;
  readonly #screen: Screen;
  readonly #readline: Interface;
  readonly #internals: Internals;
  readonly #lines: string[] = [];
  readonly #pasted = new PastedTexts();
  readonly #ending = new AbortController();
  #waiting: ((line: Line | null) => void) | null = null;
  /** The part of a paste received so far; null: no paste is in progress. */
  #paste: string | null = null;

  constructor(options: LineEditorOptions) {
    this.#options = options;
    this.#screen = new Screen(options.output, () => this.#resized());
    this.#readline = createInterface({
      input: options.input,
      output: this.#screen,
      terminal: true,
      historySize: 0,
      tabSize: 4,
    });
    this.#internals = this.#readline as unknown as Internals;
    const write = this.#internals[takeKey].bind(this.#readline);
    this.#internals[takeKey] = (text, key) => {
      if (!this.#takeKey(text, key)) write(text, key);
    };
    this.#readline.on('line', (text) => this.#entered(text));
    this.#readline.on('SIGINT', () => this.#interrupted());
    this.#readline.on('SIGCONT', () => this.#continued());
    this.#readline.on('close', () => this.#closed());
    this.#readline.on('error', () => this.close());
    options.output.write(pasteOn);
    process.on('exit', this.#leave);
  }

  /** Aborted at the end of input (Ctrl-D, a closed terminal). */
  get ended(): AbortSignal {
    return this.#ending.signal;
  }

  /** Lines that were entered and not yet read with `next`. */
  get unreadLines(): readonly string[] {
    return this.#lines;
  }

  /** The next line; null at the end of input. */
  next(question: string): Promise<Line | null> {
    const ahead = this.#lines.shift();
    if (ahead !== undefined) {
      this.#options.output.write(`${question}${ahead}\n`);
      return Promise.resolve({ text: ahead, isTypeAhead: true });
    }
    if (this.ended.aborted) return Promise.resolve(null);
    this.#readline.setPrompt(question);
    this.#screen.isMuted = false;
    this.#internals.prevRows = 0;
    this.#readline.prompt(true);
    return new Promise((resolve) => (this.#waiting = resolve));
  }

  /** Replaces the shown prompt; no effect if none is shown. */
  showPrompt(question: string): void {
    if (this.#waiting !== null) this.printAbove(() => this.#readline.setPrompt(question));
  }

  /** Puts the text into the line, before the line's current text. */
  putBack(text: string): void {
    const { line } = this.#internals;
    const back = text.length > 0 && line.length > 0 ? `${text}\n${line}` : text + line;
    this.#setLine(this.#pasted.collapse(back));
  }

  close(): void {
    this.#readline.close();
  }

  #entered(text: string): void {
    const whole = this.#pasted.expand(text);
    this.#options.history.leave();
    const answer = this.#waiting;
    if (answer === null) {
      const isEmpty = whole.trim() === '';
      if (!isEmpty && !this.#options.onLineWhileBusy(whole)) this.#lines.push(whole);
      return;
    }
    this.#waiting = null;
    this.#screen.isMuted = true;
    answer({ text: whole, isTypeAhead: false });
  }

  /** True: the key was handled here. */
  #takeKey(text: string | undefined, key: Key): boolean {
    const { history } = this.#options;
    if (key.name === 'paste-start') this.#paste = '';
    else if (key.name === 'paste-end') {
      this.#insert(this.#pasted.collapse(pastedText(this.#paste ?? '')));
      this.#paste = null;
    } else if (this.#paste !== null) this.#paste += text ?? '';
    else if (isKey(key, 'up', 'p')) this.#recall(history.before(this.#internals.line));
    else if (isKey(key, 'down', 'n')) this.#recall(history.after());
    else if (key.name === 'return' && key.meta === true) this.#insert('\n');
    else return false;
    return true;
  }

  #recall(text: string | null): void {
    if (text !== null) this.#setLine(this.#pasted.collapse(text));
  }

  #insert(text: string): void {
    const { line, cursor } = this.#internals;
    this.#setLine(line.slice(0, cursor) + text + line.slice(cursor), cursor + text.length);
  }

  #setLine(line: string, cursor = line.length): void {
    this.#internals.line = line;
    this.#internals.cursor = cursor;
    if (this.#waiting !== null) this.#readline.prompt(true);
  }

  #interrupted(): void {
    if (this.#waiting !== null && this.#internals.line !== '') {
      const { line } = this.#internals;
      this.#internals.cursor = line.length;
      this.#readline.prompt(true);
      this.#options.output.write('^C\n');
      this.#internals.prevRows = 0;
      this.#options.history.leave();
      this.#setLine('');
      return;
    }
    this.#options.onInterrupt();
  }

  /** Runs `write` above the prompt, if one is shown. */
  printAbove(write: () => void): void {
    if (this.#waiting === null) return write();
    moveCursor(this.#screen, 0, -this.#readline.getCursorPos().rows);
    cursorTo(this.#screen, 0);
    clearScreenDown(this.#screen);
    write();
    this.#internals.prevRows = 0;
    this.#readline.prompt(true);
  }

  /** The terminal has rewrapped the line: it begins as many rows above as it has in the new width. */
  #resized(): void {
    if (this.#waiting === null) return;
    this.#internals.prevRows = this.#readline.getCursorPos().rows;
    this.#readline.prompt(true);
  }

  /** After Ctrl-Z and fg: the shell has written below the line, and may have disabled bracketed paste. */
  #continued(): void {
    this.#options.output.write(pasteOn);
    this.#readline.resume();
    this.#internals.prevRows = 0;
    if (this.#waiting !== null) this.#readline.prompt(true);
  }

  #closed(): void {
    if (this.#waiting !== null) this.#options.output.write('\n');
    this.#leave();
    process.off('exit', this.#leave);
    this.#screen.close();
    this.#ending.abort();
    this.#waiting?.(null);
    this.#waiting = null;
  }

  readonly #leave = (): void => {
    this.#options.output.write(pasteOff);
  };
}

/** An arrow key, or its letter with Ctrl. */
const isKey = (key: Key, arrow: string, letter: string): boolean =>
  key.ctrl === true ? key.name === letter : key.name === arrow && key.meta !== true;

/** The output stream of node:readline: the terminal, or nothing while an answer is streamed there. */
class Screen extends Writable {
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
