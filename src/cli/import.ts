/**
 * `gatehouse import PATH…`: text and markdown files become documents; the running core reads them. Exit code 1 if a
 * named path was not imported, or nothing was; files skipped within a folder are only reported.
 */
import { resolve } from 'node:path';
import type { ImportProgress, ImportReport } from '#shared/wire/import-report';
import { CommandError, type CoreClient } from '#http/client/core-client';

const barWidth = 30;

export async function importPaths(
  client: CoreClient,
  paths: string[],
  userId: string | undefined,
  json: boolean,
): Promise<number> {
  let report: ImportReport | null = null;
  const isLive = process.stderr.isTTY && !json;
  const asked = paths.map((path) => resolve(path));
  for await (const line of client.importFiles(asked, userId)) {
    if ('report' in line) ({ report } = line);
    else if (isLive) process.stderr.write(`\r${barOf(line)}`);
  }
  if (isLive) process.stderr.write('\n');
  if (report === null)
    throw new CommandError('the core went away; run the import again, what is in stays in');
  if (json) console.log(JSON.stringify(report));
  else {
    const { added, updated, unchanged, skipped } = report;
    for (const { path, reason } of skipped) console.error(`skipped ${path}: ${reason}`);
    console.log(
      `${added} added, ${updated} updated, ${unchanged} unchanged, ${skipped.length} skipped`,
    );
  }
  const isTaken = report.added + report.updated + report.unchanged > 0;
  const isMissing = report.skipped.some(({ path }) => asked.includes(path));
  return isTaken && !isMissing ? 0 : 1;
}

function barOf({ done, total }: ImportProgress): string {
  const full = total === 0 ? barWidth : Math.round((done / total) * barWidth);
  return `[${'#'.repeat(full)}${'.'.repeat(barWidth - full)}] ${done}/${total}`;
}
