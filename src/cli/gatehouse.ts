#!/usr/bin/env node
/** The `gatehouse` command: finds the subcommand, and turns errors into one line and an exit code. */
import { parseArgs } from 'node:util';
import { GatehouseError, messageOf } from '#shared/errors';
import { ownVersion } from '#shared/own-version';
import { CommandError, UsageError } from '#http/client/core-client';
import { commands } from './commands.ts';
import { findCommand, namesUnder, wordCounts, type FoundCommand } from './command.ts';
import { helpOf, overviewOf, usageOf } from './help.ts';
import { options, specOf, type CommandValues } from './options.ts';
import { suggestion } from './suggestion.ts';

const args = process.argv.slice(2);

function parse() {
  try {
    return parseArgs({ args, options, allowPositionals: true, tokens: true });
  } catch (error) {
    // Node appends two sentences of advice about positional arguments.
    const reason = messageOf(error).split('. ')[0]!;
    const unknown = /^Unknown option '(--[^']+)'/.exec(reason)?.[1] ?? '';
    const hint = suggestion(
      unknown,
      Object.keys(options).map((name) => `--${name}`),
    );
    throw new UsageError(reason + hint, { cause: error });
  }
}
type Parsed = ReturnType<typeof parse>;

/** The words of a command line that may be invalid otherwise. */
const wordsOf = (): string[] =>
  parseArgs({ args, options, allowPositionals: true, strict: false }).positionals;

async function main(): Promise<number | void> {
  const { values, positionals, tokens } = parse();
  if (values.version) return console.log(ownVersion());
  if (values.help || positionals[0] === 'help') {
    const words = positionals[0] === 'help' ? positionals.slice(1) : positionals;
    const text = words.length === 0 ? overviewOf(commands) : helpOf(commands, words);
    if (text === null) throw new UsageError(`there is no command ${words.join(' ')}`);
    return console.log(text);
  }
  const found = findCommand(commands, positionals);
  if (found === null) throw unknownCommand(positionals);
  check(found, tokens);
  return found.command.run(found.words, values as CommandValues);
}

function unknownCommand([first, second]: readonly string[]): UsageError {
  if (first === undefined) return new UsageError('which command?');
  const below = namesUnder(commands, first).map((name) => name.slice(first.length + 1));
  if (below.length === 0) {
    const names = Object.keys(commands).map((name) => name.split(' ')[0]!);
    return new UsageError(`there is no command ${first}${suggestion(first, names)}`);
  }
  const what = second === undefined ? '' : `, not ${second}`;
  return new UsageError(`${first} takes ${below.join(', ')}${what}`);
}

/** @throws UsageError for options and words that the command does not take */
function check({ name, command, words }: FoundCommand, tokens: Parsed['tokens']): void {
  const shownName = name.replace(/ list$/, '');
  const taken: readonly string[] = ['config', ...command.options];
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    if (!taken.includes(token.name)) {
      throw new UsageError(`${shownName} does not take ${token.rawName}`);
    }
    const { words: all } = specOf(token.name);
    if (all !== undefined && !all.includes(token.value ?? '')) {
      const expected = `expected one of ${all.join(', ')}`;
      throw new UsageError(`--${token.name}: ${expected}; found ${token.value}`);
    }
  }
  const { min, max } = wordCounts(command);
  if (words.length < min) throw new UsageError(`${shownName} takes ${command.takes}`);
  if (words.length > max) {
    const below = namesUnder(commands, shownName).map((one) => one.slice(shownName.length + 1));
    const hint = suggestion(words[max]!, below);
    throw new UsageError(`${shownName} does not take ${words[max]}${hint}`);
  }
}

/** The usage is printed before the error, so that the error is the last line. */
function printUsage(): void {
  const words = wordsOf();
  const usage = words.length === 0 ? overviewOf(commands) : usageOf(commands, words);
  console.error(usage ?? 'usage: gatehouse COMMAND; gatehouse help shows all of them');
}

/**
 * The reader of the output may close the pipe early (`| head -1`): this is not an error, and it could not be reported.
 */
function endWhenUnread(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit();
  throw error;
}
process.stdout.on('error', endWhenUnread);
process.stderr.on('error', endWhenUnread);

try {
  process.exitCode = (await main()) ?? 0;
} catch (error) {
  const isUsage = error instanceof UsageError;
  const isExpected = isUsage || error instanceof CommandError || error instanceof GatehouseError;
  const code = error instanceof GatehouseError ? ` (${error.code})` : '';
  if (isUsage) printUsage();
  if (!isExpected) console.error((error as Error).stack);
  console.error(`gatehouse: ${messageOf(error)}${code}`);
  process.exitCode = isUsage ? 2 : 1;
}
