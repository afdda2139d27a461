/** Prints a page of a list: as JSON, or a line per item. */
export function printList<Item>(
  page: { next_cursor: string | null },
  items: readonly Item[],
  { json, none, line }: { json: boolean; none: string; line(item: Item): string },
): void {
  if (json) return console.log(JSON.stringify(page));
  for (const item of items) console.log(line(item));
  if (items.length === 0) console.log(none);
  if (page.next_cursor !== null) console.log('there are more: --limit N');
}

/** A time in the zone of this machine, for users: `2026-12-01 09:30:00`. An invalid time is returned unchanged. */
export function localTime(iso: string): string {
  const at = new Date(iso);
  // The Swedish format is that of ISO 8601, without the T.
  return Number.isNaN(at.getTime()) ? iso : at.toLocaleString('sv-SE');
}
