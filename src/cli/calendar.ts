/** `gatehouse calendar import FILE` and `gatehouse calendar export`, through the running core. */
import { readFileSync } from 'node:fs';
import { decodeCalendarText } from '#shared/text/decode-text';
import { messageOf } from '#shared/errors';
import { CommandError, type CoreClient } from '#http/client/core-client';

export async function importCalendar(
  client: CoreClient,
  path: string,
  userId: string | undefined,
  json: boolean,
): Promise<void> {
  const report = await client.importCalendar(readText(path), userId);
  if (json) return console.log(JSON.stringify(report));
  const { added, updated, unchanged, unreadable, dropped = [] } = report;
  for (const line of dropped) console.error(`left out: ${line}`);
  for (const line of unreadable) console.error(`skipped an event: ${line}`);
  console.log(
    `${added} added, ${updated} updated, ${unchanged} unchanged, ${unreadable.length} skipped`,
  );
}

/** Writes only the calendar file to standard output. */
export async function exportCalendar(
  client: CoreClient,
  userId: string | undefined,
): Promise<void> {
  process.stdout.write(await client.exportCalendar(userId));
}

/** The text of a calendar file. @throws CommandError for a file that cannot be opened or is not text */
export function readText(path: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new CommandError(`${path}: ${messageOf(error)}`, { cause: error });
  }
  const text = decodeCalendarText(bytes);
  if (text === null) throw new CommandError(`${path}: is not a calendar file`);
  return text;
}
