/** `gatehouse doctor`: prints the results of all checks; 1 if one has failed. */
import type { CheckResult } from '#shared/check-result';
import { runChecks } from '#doctor/run-checks';

export async function doctor(
  configFile: string | undefined,
  json: boolean,
  sendTest?: string,
): Promise<number> {
  const results = await runChecks(configFile, sendTest);
  if (json) console.log(JSON.stringify(results));
  else for (const result of results) console.log(lineOf(result));
  return results.every(({ ok }) => ok) ? 0 : 1;
}

const lineOf = ({ part, ok, what, advice }: CheckResult): string =>
  `${ok ? '✓' : '✗'} ${part.padEnd(12)} ${what}${advice === undefined ? '' : `\n  → ${advice}`}`;
