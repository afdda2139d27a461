/** What a command is, and how the words on a command line find theirs. */
import type { CommandValues, OptionName } from './options.ts';

export interface Command {
  /** One line, for the list of all commands. */
  summary: string;
  /**
   * The words after the name, as the help shows them: `ID` is one, `[ID]` may be left out, `PATH…` is one or more. Left
   * out: none.
   */
  takes?: string;
  /** What the words can be, for completion; else files are offered where `takes` names a FILE, PATH or FOLDER. */
  words?: readonly string[];
  /** Beside --config and --help. Any other is wrong usage. */
  options: readonly OptionName[];
  /** Further lines for the help of this command. */
  notes?: string;
  /** Resolves to the exit code. */
  run(words: string[], values: CommandValues): Promise<number>;
}

/** By name: one word, or two (`jobs show`). `X list` is also what the word X alone means. */
export type Commands = Readonly<Record<string, Command>>;

export interface FoundCommand {
  name: string;
  command: Command;
  /** The words that are left. */
  words: string[];
}

/** Null where there is none of this name. */
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

/** The names of a command and of those below it: `jobs` has `jobs list`, `jobs show` and `jobs cancel`. */
export const namesUnder = (commands: Commands, first: string): string[] =>
  Object.keys(commands).filter((name) => name === first || name.startsWith(`${first} `));

/** How many words a command takes. */
export function wordCounts({ takes = '' }: Command): { min: number; max: number } {
  const places = takes.split(' ').filter((place) => place !== '');
  const min = places.filter((place) => !place.startsWith('[')).length;
  return { min, max: takes.includes('…') ? Infinity : places.length };
}
