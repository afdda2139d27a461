/** `gatehouse calendar occurrences FILE`: lists the occurrences in a calendar file, without core or import. */
import { loadConfig } from '#app/config/load-config';
import { fileOccurrences, type FileListing } from '#tools/calendar/file-occurrences';
import type { WallRange } from '#tools/calendar/occurrences';
import { createZones, parseIsoDate } from '#shared/calendar/zoned-time';
import { readText } from './calendar.ts';
import { CommandError, UsageError } from '#http/client/core-client';
import type { CommandValues } from './options.ts';

/**
 * Lists the occurrences that overlap the days from `--from` up to, not including, `--to`. `--json`: one array on
 * standard output; unreadable, dropped and cut entries are reported as lines on standard error.
 * @throws UsageError for invalid days or an unknown time zone
 * @throws CommandError for a file that cannot be opened or is not a calendar
 */
export function listFileOccurrences(path: string, values: CommandValues): void {
  const range = rangeOf(values);
  const zones = createZones();
  const zone = values.zone ?? loadConfig(values.config).config.timezone;
  if (!zones.isKnownZone(zone)) throw new UsageError(`--zone: there is no time zone ${zone}`);
  const text = readText(path);
  if (!/BEGIN\s*:\s*V(?:CALENDAR|EVENT)/i.test(text))
    throw new CommandError(`${path}: is not a calendar file`);
  const listing = fileOccurrences(text, range, zone, zones);
  if (values.json) console.log(JSON.stringify(listing.occurrences));
  else {
    for (const { start, end, title } of listing.occurrences) {
      console.log(`${start}  ${end}  ${title}`);
    }
  }
  for (const line of notesOf(listing)) (values.json ? console.error : console.log)(line);
}

const notesOf = ({ unreadable, dropped, cut }: FileListing): string[] => [
  ...unreadable.map((line) => `unreadable: ${line}`),
  ...dropped.map((line) => `left out: ${line}`),
  ...cut.map((line) => `cut: ${line}`),
];

function rangeOf(values: CommandValues): WallRange {
  const [from, to] = (['from', 'to'] as const).map((name) => {
    const day = parseIsoDate(values[name] ?? '');
    if (day !== null) return day;
    const found = values[name] === undefined ? 'nothing' : values[name];
    throw new UsageError(`--${name}: expected a day as YYYY-MM-DD, found ${found}`);
  }) as [number, number];
  if (to <= from) throw new UsageError('--to has to be later than --from: it is not included');
  return { from, to };
}
