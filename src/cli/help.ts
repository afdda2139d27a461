/** The help texts, generated from the table of commands. */
import { namesUnder, type Command, type Commands } from './command.ts';
import { specOf } from './options.ts';

/** The column at which the second column begins. */
const gap = 34;

/** All commands, one line each. The last line says where to find more help. */
export function overviewOf(commands: Commands): string {
  const lines = Object.entries(commands).map(
    ([name, { takes, summary }]) => `  ${column(`${shownName(name)} ${takes ?? ''}`)}${summary}`,
  );
  return `usage: gatehouse COMMAND [OPTIONS]

${lines.join('\n')}

Commands that look at a running core find it by the configuration, by GATEHOUSE_URL, or by --url; GATEHOUSE_API_KEY
is the key to come with, else one of the configuration. Exit code: 0 fine, 1 it failed, 2 wrong usage.
gatehouse help COMMAND shows what a command takes; gatehouse --version says which Gatehouse this is.`;
}

/** One command, or all of a group (`jobs`), with their options. Null if there is none. */
export function helpOf(commands: Commands, words: readonly string[]): string | null {
  const names = namesOf(commands, words);
  if (names.length === 0) return null;
  return names.map((name) => textOf(name, commands[name]!)).join('\n\n');
}

/** Only the usage lines, printed above a usage error. */
export function usageOf(commands: Commands, words: readonly string[]): string | null {
  const names = namesOf(commands, words);
  return names.length === 0
    ? null
    : names.map((name, index) => usageLine(name, commands[name]!, index === 0)).join('\n');
}

function namesOf(commands: Commands, [first = '', second = '']: readonly string[]): string[] {
  const exact = `${first} ${second}`;
  return Object.hasOwn(commands, exact) ? [exact] : namesUnder(commands, first);
}

/** `X list` is also run by X alone. */
const shownName = (name: string): string => name.replace(/ list$/, ' [list]');

const column = (text: string): string => `${text.trim()}  `.padEnd(gap);

function usageLine(name: string, command: Command, isFirst: boolean): string {
  const parts = [
    shownName(name),
    command.takes,
    ...command.options.map((one) => `[${formatOption(one)}]`),
  ];
  return `${isFirst ? 'usage: ' : '       '}gatehouse ${parts.filter(Boolean).join(' ')}`;
}

function textOf(name: string, command: Command): string {
  const lines = [usageLine(name, command, true), `  ${command.summary}`];
  if (command.notes !== undefined) lines.push(`  ${command.notes.replaceAll('\n', '\n  ')}`);
  for (const option of [...command.options, 'config']) {
    const { help, words } = specOf(option);
    const all = words === undefined ? '' : `: ${words.join(', ')}`;
    lines.push(`    ${column(formatOption(option))}${help}${all}`);
  }
  return lines.join('\n');
}

function formatOption(option: string): string {
  const { value } = specOf(option);
  return `--${option}${value === undefined ? '' : ` ${value}`}`;
}
