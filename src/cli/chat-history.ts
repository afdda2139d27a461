/**
 * The messages of earlier chats, for the arrow keys: one JSON string per line, in a file that only its owner can read.
 * Several chats may append to it at the same time.
 */
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { messageOf } from '#shared/errors';

const entriesMax = 500;
/** A longer text is not kept: it was pasted, and is a document rather than a line. */
const entryCharsMax = 4_000;

/** In the state folder of the XDG base directory specification. */
export function historyPath(env: Record<string, string | undefined> = process.env): string {
  const state = env['XDG_STATE_HOME'] ?? '';
  const folder = isAbsolute(state) ? state : join(homedir(), '.local', 'state');
  return join(folder, 'gatehouse', 'chat-history');
}

export function openHistory(path: string) {
  let firstError: string | null = null;
  const trying = <Value>(action: () => Value, otherwise: Value): Value => {
    if (firstError !== null) return otherwise;
    try {
      return action();
    } catch (error) {
      firstError = messageOf(error);
      return otherwise;
    }
  };
  const entries = trying(() => load(path), []);
  let at = entries.length;
  let unsent = '';

  return {
    /** Why the history is not kept across runs, or null. */
    get error(): string | null {
      return firstError;
    },
    add(text: string): void {
      if (text.length <= entryCharsMax && text !== entries.at(-1)) {
        entries.push(text);
        trying(() => appendFileSync(path, `${JSON.stringify(text)}\n`, { mode: 0o600 }), undefined);
      }
      at = entries.length;
    },
    /** The entry before the shown entry; null: there is none. `line` is the unsent line that `after` returns to. */
    before(line: string): string | null {
      if (at === 0) return null;
      if (at === entries.length) unsent = line;
      at -= 1;
      return entries[at] ?? null;
    },
    after(): string | null {
      if (at === entries.length) return null;
      at += 1;
      return entries[at] ?? unsent;
    },
    /** A line was entered or cleared: the next `before` starts at the newest entry. */
    leave(): void {
      at = entries.length;
    },
  };
}
export type ChatHistory = ReturnType<typeof openHistory>;

/** The newest entries. A file with more than twice as many is rewritten. */
function load(path: string): string[] {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // Creates a missing file.
  appendFileSync(path, '', { mode: 0o600 });
  chmodSync(path, 0o600);
  const all = readFileSync(path, 'utf8').split('\n').flatMap(entryOf);
  const entries = all.slice(-entriesMax);
  if (all.length > 2 * entriesMax) {
    const fresh = `${path}.${process.pid}`;
    try {
      writeFileSync(fresh, entries.map((text) => `${JSON.stringify(text)}\n`).join(''), {
        mode: 0o600,
      });
      renameSync(fresh, path);
    } finally {
      rmSync(fresh, { force: true });
    }
  }
  return entries;
}

/** Skips a truncated line and a line from another program. */
function entryOf(line: string): string[] {
  try {
    const text: unknown = JSON.parse(line);
    return typeof text === 'string' && text.length <= entryCharsMax ? [text] : [];
  } catch {
    return [];
  }
}
