/** The report of a storm: a table of promises, the faults, and a row for docs/testing.md. */
import type { StormResult } from './storm.ts';

const shownMax = 10;

export const violationsOf = ({ findings }: StormResult): number =>
  findings.reduce((sum, { violations }) => sum + violations.length, 0);

export function reportOf(result: StormResult): string {
  const { findings, strikes, impossible, figures } = result;
  const rows = findings.map(
    ({ promise, what, checked, violations }) =>
      `| ${promise} | ${what} | ${checked} | ${violations.length} |`,
  );
  const details = findings.flatMap(({ promise, violations }) => [
    ...violations.slice(0, shownMax).map((line) => `  ${promise}: ${line}`),
    ...(violations.length > shownMax
      ? [`  ${promise}: … ${violations.length - shownMax} more`]
      : []),
  ]);
  const list = (counts: Record<string, number>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${name} ${count}`)
      .join(', ');
  return [
    '| promise | what was checked from outside | checked | violations |',
    '|---|---|---|---|',
    ...rows,
    '',
    ...details,
    `struck: ${list(strikes)}`,
    ...(impossible.length > 0 ? [`not to be had here: ${impossible.join(', ')}`] : []),
    list(figures),
  ].join('\n');
}

/** One row of the table in docs/testing.md. */
export function tableLine(result: StormResult, seed: number, minutes: number | null): string {
  const { figures, strikes, observations, findings } = result;
  const kills = Object.entries(strikes)
    .filter(([name]) => name.startsWith('kill'))
    .reduce((sum, [name, count]) => sum + (name.endsWith('starts') ? 2 * count : count), 0);
  const faults = Object.values(strikes).reduce((sum, count) => sum + count, 0);
  const deliveries = observations.jobs.flatMap(({ view }) => view.deliveries);
  const count = (status: string): number =>
    deliveries.filter((one) => one.status === status).length;
  const checked = findings.reduce((sum, one) => sum + one.checked, 0);
  const length = minutes === null ? `${Math.round(figures['seconds'] ?? 0)} s` : `${minutes} min`;
  return `| ${seed} | ${length} | ${figures['accepted']} | ${figures['jobs']} | ${kills} | ${faults - kills} | ${count('sent')} | ${count('uncertain')} | ${count('dead')} | ${figures['events']} | ${checked} | ${violationsOf(result)} |`;
}
