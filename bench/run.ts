/**
 * `npm run bench [-- NAME …]`: runs the named benchmarks one after another, without a name all of them, and prints all
 * goals at the end. `npm run bench -- --compare REV [--rounds 3] [NAME …]` runs each in turn with that of a commit.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { compareWith } from './compare.ts';
import { printTable } from './support/measure.ts';
import { goalsOf } from './support/printed-tables.ts';

const folder = import.meta.dirname;
const all = readdirSync(folder)
  .filter((file) => file.endsWith('.ts') && !['run.ts', 'compare.ts'].includes(file))
  .map((file) => file.replace(/\.ts$/, ''));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { compare: { type: 'string' }, rounds: { type: 'string', default: '3' } },
});
const unknown = positionals.filter((name) => !all.includes(name));
if (unknown.length > 0) {
  console.error(`no benchmark ${unknown.join(', ')}; there are: ${all.join(', ')}`);
  process.exit(2);
}
const names = positionals.length > 0 ? positionals : all;
if (values.compare === undefined) await runAll();
else compareWith(values.compare, names, Number(values.rounds));

async function runAll(): Promise<void> {
  let output = '';
  for (const name of names) output += await run(name);
  const goals = goalsOf(output);
  if (goals.length === 0) return;
  printTable(
    'Goals',
    ['figure', 'measured', 'goal', 'met'],
    goals.map(({ figure, measured, goal, isMet }) => [
      figure,
      measured,
      goal,
      isMet ? 'yes' : 'no',
    ]),
  );
}

/** Shows the output at once, and resolves with it. */
async function run(name: string): Promise<string> {
  const child = spawn(process.execPath, ['--expose-gc', join(folder, `${name}.ts`)], {
    stdio: ['inherit', 'pipe', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production' },
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    process.stdout.write(text);
    output += text;
  });
  const [status] = (await once(child, 'close')) as [number | null];
  if (status !== 0) process.exitCode = 1;
  return output;
}
