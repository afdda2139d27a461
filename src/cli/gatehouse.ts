#!/usr/bin/env node
/** The `gatehouse` command: finds the sub-command, turns errors into one line and an exit code. */
import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { parseArgs } from 'node:util';
import { GatehouseError, messageOf } from '../lib/errors.ts';
import { CommandError, UsageError } from './core-client.ts';
import { commands, usage } from './commands.ts';

const options = {
  config: { type: 'string' },
  url: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
  version: { type: 'boolean', default: false },
  user: { type: 'string' },
  state: { type: 'string' },
  limit: { type: 'string' },
  now: { type: 'string' },
  job: { type: 'string' },
  from: { type: 'string' },
  to: { type: 'string' },
  zone: { type: 'string' },
  pending: { type: 'boolean', default: false },
  // ask
  react: { type: 'boolean', default: false },
  backend: { type: 'string' },
  'send-test': { type: 'string' },
  // fake-dsm
  port: { type: 'string' },
  'page-port': { type: 'string' },
  host: { type: 'string' },
  bridge: { type: 'string' },
  token: { type: 'string' },
  tls: { type: 'boolean', default: false },
  'tls-folder': { type: 'string' },
  storm: { type: 'string' },
} as const;

export type CommandValues = ReturnType<typeof parse>['values'];

function parse(args: string[]) {
  try {
    return parseArgs({ args, options, allowPositionals: true, tokens: true });
  } catch (error) {
    throw new UsageError(messageOf(error), { cause: error });
  }
}

async function main(): Promise<number> {
  const { values, positionals, tokens } = parse(process.argv.slice(2));
  const [name = '', ...words] = positionals;
  if (values.help || name === 'help') {
    console.log(usage);
    return 0;
  }
  if (values.version) {
    console.log(ownVersion());
    return 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    throw new UsageError(name === '' ? 'which command?' : `there is no command ${name}`);
  }
  const taken: readonly string[] = ['config', ...command.options];
  const stray = tokens.find((token) => token.kind === 'option' && !taken.includes(token.name));
  if (stray?.kind === 'option') throw new UsageError(`${name} does not take ${stray.rawName}`);
  const surplus = words[command.wordsMax ?? words.length];
  if (surplus !== undefined) throw new UsageError(`${name} does not take ${surplus}`);
  return command.run(words, values);
}

function ownVersion(): string {
  const { version } = JSON.parse(readFileSync(findPackageJSON(import.meta.url)!, 'utf8')) as {
    version: string;
  };
  return version;
}

/** Who reads our lines may have read enough (`| head -1`): that is no fault, and nobody is left to be told of one. */
function endWhenUnread(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit();
  throw error;
}
process.stdout.on('error', endWhenUnread);
process.stderr.on('error', endWhenUnread);

try {
  process.exitCode = await main();
} catch (error) {
  const isUsage = error instanceof UsageError;
  const isExpected = isUsage || error instanceof CommandError || error instanceof GatehouseError;
  const code = error instanceof GatehouseError ? ` (${error.code})` : '';
  console.error(`gatehouse: ${messageOf(error)}${code}`);
  if (isUsage) console.error(`\n${usage}`);
  if (!isExpected) console.error((error as Error).stack);
  process.exitCode = isUsage ? 2 : 1;
}
