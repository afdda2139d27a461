/** The type of a command, and the lookup of a command by the words of a command line. */
import type { CommandValues, OptionName } from './options.ts';
import type { CoreClient } from '#http/client/core-client';

export interface Command {
  /** One line, for the list of all commands. */
  summary: string;
  /**
   * The words after the name, as the help shows them: `ID` is required, `[ID]` is optional, `PATH…` is one or more.
   * Default: none.
   */
  takes?: string;
  /** The possible words, for completion; default: files if `takes` names a FILE, PATH or FOLDER. */
  words?: readonly string[];
  /** Besides --config and --help. Any other option is a usage error. */
  options: readonly OptionName[];
  /** Further lines for the help of this command. */
  notes?: string;
  /** Resolves to the exit code, if it is not 0. */
  run(words: string[], values: CommandValues): Promise<number | void>;
}

/** By name: one word, or two (`jobs show`). `X list` is also run by the word X alone. */
export type Commands = Readonly<Record<string, Command>>;

export interface FoundCommand {
  name: string;
  command: Command;
  /** The remaining words. */
  words: string[];
}

/** Null if there is no such command. */
export function findCommand(commands: Commands, words: readonly string[]): FoundCommand | null {
  const [first = '', second = ''] = words;
  const tries: [name: string, used: number][] = [
    [`${first} ${second}`, 2],
    [first, 1],
    [`${first} list`, 1],
  ];
  for (const [name, used] of tries) {
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (command !== undefined) return { name, command, words: words.slice(used) };
  }
  return null;
}

/** The names of a command and its subcommands: `jobs` has `jobs list`, `jobs show` and `jobs cancel`. */
export const namesUnder = (commands: Commands, first: string): string[] =>
  Object.keys(commands).filter((name) => name === first || name.startsWith(`${first} `));

/** The number of words that a command takes. */
export function wordCounts({ takes = '' }: Command): { min: number; max: number } {
  const places = takes.split(' ').filter((place) => place !== '');
  const min = places.filter((place) => !place.startsWith('[')).length;
  return { min, max: takes.includes('…') ? Infinity : places.length };
}

/** The client for the running core. Loaded only by the commands that talk to a core: it reads the configuration. */
export const connect = async (values: CommandValues): Promise<CoreClient> =>
  (await import('./client-for.ts')).clientFor(values);
