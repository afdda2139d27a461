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
