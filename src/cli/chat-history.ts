/**
 * The messages of earlier conversations, for the arrow keys: one JSON string a line, in a file that only its owner
 * can read. Several chats may append to it at the same time.
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
import { messageOf } from '../lib/errors.ts';

export interface ChatHistory {
  /** Why it is not kept across runs, or null. */
  readonly fault: string | null;
  add(text: string): void;
  /** The entry before the one that is shown; null: there is none. `line` is what `after` comes back to. */
  before(line: string): string | null;
  after(): string | null;
  /** A line was entered or cleared: the next `before` begins at the newest. */
  leave(): void;
}

const entriesMax = 500;
/** Of a longer text nothing is kept: it was pasted, and is a document rather than a line. */
const entryCharsMax = 4_000;

/** In the state folder of the XDG base directory specification. */
export function historyPath(env: Record<string, string | undefined> = process.env): string {
  const state = env['XDG_STATE_HOME'] ?? '';
  const folder = isAbsolute(state) ? state : join(homedir(), '.local', 'state');
  return join(folder, 'gatehouse', 'chat-history');
}

export function openHistory(path: string): ChatHistory {
  let fault: string | null = null;
  const trying = <Value>(action: () => Value, otherwise: Value): Value => {
    if (fault !== null) return otherwise;
    try {
      return action();
    } catch (error) {
      fault = messageOf(error);
      return otherwise;
    }
  };
  const entries = trying(() => load(path), []);
  let at = entries.length;
  let unsent = '';

  return {
    get fault() {
      return fault;
    },
    add(text) {
      if (text.length <= entryCharsMax && text !== entries.at(-1)) {
        entries.push(text);
        trying(() => appendFileSync(path, `${JSON.stringify(text)}\n`, { mode: 0o600 }), undefined);
      }
      at = entries.length;
    },
    before(line) {
      if (at === 0) return null;
      if (at === entries.length) unsent = line;
      at -= 1;
      return entries[at] ?? null;
    },
    after() {
      if (at === entries.length) return null;
      at += 1;
      return entries[at] ?? unsent;
    },
    leave() {
      at = entries.length;
    },
  };
}

/** The newest entries. A file that has grown to twice as many is written anew. */
function load(path: string): string[] {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  // Creates it where it is not there.
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

/** A line that was cut, or written by something else, is left out. */
function entryOf(line: string): string[] {
  try {
    const text: unknown = JSON.parse(line);
    return typeof text === 'string' && text.length <= entryCharsMax ? [text] : [];
  } catch {
    return [];
  }
}
