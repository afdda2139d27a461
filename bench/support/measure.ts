/** Shared by the benchmarks: interleaved rounds, medians, ratios, a table. Each time is reported with a reference. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const median = (values: readonly number[]): number => quantile(values, 0.5);

export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? Number.NaN;
}

export function scratch(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'gatehouse-bench-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** Runs the subjects in turn, round by round, so that a slow moment of the machine affects all of them. */
export async function interleave<Figure>(
  rounds: number,
  subjects: Record<string, () => Promise<Figure>>,
): Promise<Record<string, Figure[]>> {
  const figures: Record<string, Figure[]> = {};
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, run] of Object.entries(subjects)) (figures[name] ??= []).push(await run());
  }
  return figures;
}

export interface CpuClock {
  /** Microseconds of CPU of this process since the start. */
  stop(): number;
}

export function startCpu(): CpuClock {
  const from = process.cpuUsage();
  return {
    stop() {
      const { user, system } = process.cpuUsage(from);
      return user + system;
    },
  };
}

/** Runs the numbers 0 … count - 1 with `limit` workers. */
export async function inFlight(
  count: number,
  limit: number,
  work: (n: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  await Promise.all(
    Array.from({ length: limit }, async () => {
      while (next < count) await work(next++);
    }),
  );
}

export function printTable(title: string, head: string[], rows: (string | number)[][]): void {
  const cells = [head, ...rows.map((row) => row.map(String))];
  const widths = head.map((_, column) =>
    Math.max(...cells.map((row) => (row[column] ?? '').length)),
  );
  const line = (row: string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  console.log(`\n${title}`);
  console.log(line(cells[0]!));
  console.log(`|${widths.map((width) => '-'.repeat(width + 2)).join('|')}|`);
  for (const row of cells.slice(1)) console.log(line(row));
}

export const ratio = (value: number, anchor: number): string => `${(value / anchor).toFixed(2)} x`;
