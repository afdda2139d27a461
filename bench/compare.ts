/** Runs benchmarks of this tree and of a commit in turn, and prints the medians of all their figures side by side. */
import { spawnSync } from 'node:child_process';
import { readFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { median, printTable, scratch } from './support/measure.ts';
import { figuresOf, type PrintedFigure } from './support/printed-tables.ts';

const root = join(import.meta.dirname, '..');
type Figures = Map<string, PrintedFigure>;

/** @throws if the command fails */
function run(program: string, args: string[], cwd: string): string {
  const { status, stdout } = spawnSync(program, args, {
    cwd,
    env: { ...process.env, NODE_ENV: 'production' },
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} failed in ${cwd}`);
  return stdout;
}

const measure = (tree: string, name: string): Figures =>
  figuresOf(run(process.execPath, ['--expose-gc', join('bench', `${name}.ts`)], tree));

/** Installs the dependencies of the commit: those of this tree, if the lock is the same. */
function installIn(tree: string): void {
  const lockOf = (of: string): string => readFileSync(join(of, 'package-lock.json'), 'utf8');
  if (lockOf(tree) === lockOf(root)) {
    symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'));
  } else {
    run('npm', ['ci', '--include=dev', '--no-audit', '--no-fund'], tree);
  }
}

/** The order changes from round to round: a machine that becomes slower must not favour one side. */
function measurePairs(
  tree: string,
  names: readonly string[],
  rounds: number,
): { before: Figures; now: Figures }[] {
  return Array.from({ length: rounds }, (_, round) =>
    names.map((name) => {
      console.log(`round ${round + 1} of ${rounds}: ${name}`);
      if (round % 2 === 0) {
        const before = measure(tree, name);
        return { before, now: measure(root, name) };
      }
      const now = measure(root, name);
      return { before: measure(tree, name), now };
    }),
  ).flat();
}

export function compareWith(revision: string, names: readonly string[], rounds: number): void {
  const folder = scratch();
  const tree = join(folder.path, 'tree');
  try {
    run('git', ['worktree', 'add', '--quiet', '--detach', tree, revision], root);
    installIn(tree);
    const pairs = measurePairs(tree, names, rounds);
    const keys = new Set(pairs.flatMap(({ before }) => [...before.keys()]));
    printTable(
      `This tree against ${revision}, medians of ${rounds} rounds`,
      ['figure', 'of', revision, 'this tree', 'ratio', 'its range'],
      [...keys].flatMap((key) => rowOf(key, pairs)),
    );
  } finally {
    folder.remove();
    run('git', ['worktree', 'prune'], root);
  }
}

/** No row for a figure that one of the two does not have. */
function rowOf(key: string, pairs: readonly { before: Figures; now: Figures }[]): string[][] {
  const both = pairs.flatMap(({ before, now }) => {
    const [old, own] = [before.get(key), now.get(key)];
    return old === undefined || own === undefined ? [] : [{ old, own }];
  });
  const [first] = both;
  if (first === undefined) return [];
  const ratios = both.map(({ old, own }) => own.value / old.value).filter(Number.isFinite);
  const range = [Math.min(...ratios), Math.max(...ratios)];
  const compared =
    ratios.length === 0
      ? ['', '']
      : [`${median(ratios).toFixed(2)} x`, `${range.map((one) => one.toFixed(2)).join(' to ')} x`];
  const values = [both.map(({ old }) => old.value), both.map(({ own }) => own.value)];
  const medians = values.map((some) => String(median(some)));
  return [[first.old.row, first.old.column, ...medians, ...compared]];
}
