/** A real pseudo-terminal: a tmux server with one window, and the text on its screen. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { findProgram, prepareProgram } from './debian-package.ts';

/** Installs tmux if that is allowed. Returns why it is missing, or null. */
export const prepareTmux = (): string | null => prepareProgram('tmux', ['tmux']);

/** Why tests in a terminal must be skipped, or null. */
export const tmuxMissing = (): string | null =>
  findProgram('tmux') === null ? 'tmux is not installed (Debian package tmux)' : null;

export interface Tmux {
  /** The screen with its scrollback; wrapped rows are joined. */
  text(): string;
  /** The rows as they are displayed. */
  rows(): string[];
  cursor(): { x: number; y: number };
  /** Types the text, letter by letter. */
  type(text: string): void;
  /** Presses keys by their names in tmux: Enter, C-c, Up, BSpace. */
  key(...names: string[]): void;
  /** Pastes as a terminal does: between the paste marks, if the program has requested them. */
  paste(text: string): void;
  resize(width: number, height: number): void;
  /** The exit code of the program; null while it runs. */
  exitCode(): number | null;
  close(): void;
}

export interface TmuxOptions {
  folder: string;
  width: number;
  height: number;
  env: Record<string, string>;
}

/** Runs the program in a terminal. @throws Error if tmux does not start */
export function openTmux(
  argv: readonly string[],
  { folder, width, height, env }: TmuxOptions,
): Tmux {
  const socket = join(folder, 'tmux');
  const tmux = (args: readonly string[], input?: string): string =>
    execFileSync('tmux', ['-u', '-S', socket, '-f', '/dev/null', ...args], {
      encoding: 'utf8',
      env: { ...process.env, TMUX: '', LC_ALL: 'C.UTF-8' },
      timeout: 20_000,
      ...(input === undefined ? {} : { input }),
    });
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  // tmux 3.3 can miss the end of its child, and then never reports the status: the shell writes it to a file.
  const status = join(folder, 'exit-status');
  rmSync(status, { force: true });
  const command = ['env', ...variables, ...argv].map(quoted).join(' ');
  const program = `${command}; echo $? > ${quoted(status)}`;
  const size = ['-x', String(width), '-y', String(height)];
  // The window stays open with its text when the program has ended.
  const stay = ['set-option', '-g', 'remain-on-exit', 'on', ';'];
  const session = ['new-session', '-d', '-s', 's', ...size, '-c', folder, program];
  startTwice(() => tmux(['start-server', ';', ...stay, ...session]));
  const shown = (format: string): string =>
    tmux(['display-message', '-p', '-t', 's', format]).trim();
  return {
    text: () => tmux(['capture-pane', '-p', '-J', '-S', '-', '-t', 's']),
    rows: () => tmux(['capture-pane', '-p', '-t', 's']).split('\n'),
    cursor() {
      const [x, y] = shown('#{cursor_x} #{cursor_y}').split(' ').map(Number);
      return { x: x!, y: y! };
    },
    type: (text) => void tmux(['send-keys', '-t', 's', '-l', text]),
    key: (...names) => void tmux(['send-keys', '-t', 's', ...names]),
    paste(text) {
      tmux(['load-buffer', '-'], text);
      tmux(['paste-buffer', '-p', '-r', '-t', 's']);
    },
    resize: (columns, lines) =>
      void tmux(['resize-window', '-t', 's', '-x', String(columns), '-y', String(lines)]),
    exitCode() {
      const text = existsSync(status) ? readFileSync(status, 'utf8').trim() : '';
      return text === '' ? null : Number(text);
    },
    close: () => void tmux(['kill-server']),
  };
}

/** On a loaded machine the server of tmux 3.3 can end while it starts ("server exited unexpectedly"). */
function startTwice(start: () => void): void {
  try {
    start();
  } catch (error) {
    if (!String(error).includes('server exited unexpectedly')) throw error;
    start();
  }
}

const quoted = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;
