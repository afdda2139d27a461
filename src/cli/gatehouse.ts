#!/usr/bin/env node
/** The `gatehouse` command: finds the sub-command, turns errors into one line and an exit code. */
import { parseArgs } from 'node:util';
import { GatehouseError, messageOf } from '../lib/errors.ts';
import { CommandError, UsageError } from './core-client.ts';
import { commands, usage } from './commands.ts';

const options = {
  config: { type: 'string' },
  url: { type: 'string' },
  json: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
  user: { type: 'string' },
  state: { type: 'string' },
  limit: { type: 'string' },
  now: { type: 'string' },
  job: { type: 'string' },
  from: { type: 'string' },
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
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new UsageError(messageOf(error), { cause: error });
  }
}

async function main(): Promise<number> {
  const { values, positionals } = parse(process.argv.slice(2));
  const [name = '', ...rest] = positionals;
  if (values.help || name === 'help') {
    console.log(usage);
    return 0;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined) {
    throw new UsageError(name === '' ? 'which command?' : `there is no command ${name}`);
  }
  return command(rest, values);
}

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
