/**
 * Lists within bounds of rows and bytes. They are read in slices of about a millisecond, at the pace of their reader:
 * nothing is read before it is asked for.
 */
import { fairTurn } from './fair-turns.ts';

/** Bytes of the JSON of one list, as UTF-8: about 200 jobs with long answers. More takes several pages. */
export const listBytesMax = 1024 * 1024;
/** For the fields around the rows. */
const envelopeBytes = 1024;

/** A row, its JSON, and the cursor that goes on behind it. */
export interface ListedRow<Row> {
  row: Row;
  json: string;
  /** UTF-8 bytes of `json`. */
  bytes: number;
  cursor: string;
}

export interface ListEnd {
  /** The cursor of the next page; null where there is none. */
  next: string | null;
  /** Rows that were looked at: more than are shown where a filter passes over many. */
  looked: number;
}

/** Yields slices, returns the end. */
export type Listing<Row> = AsyncGenerator<ListedRow<Row>[], ListEnd>;

/** Some rows in their order, each with the cursor that goes on behind it. */
export interface ReadRows<Row> {
  rows: { row: Row; cursor: string }[];
  /** Where to go on; null: there are no more. */
  next: string | null;
  /** Left out: as many as there are rows. */
  looked?: number;
}

export interface ListSource<Row> {
  /** At most `count` rows behind the cursor (null: from the start). May be fewer, or none, and go on. */
  read(cursor: string | null, count: number): ReadRows<Row> | Promise<ReadRows<Row>>;
  /** The row with its texts cut, for a row that no page has room for. */
  cut(row: Row): Row;
  cursor?: string | null | undefined;
  /** Rows of the page, at most. */
  limit: number;
  /** Default 1 MiB. */
  bytesMax?: number | undefined;
  /** Rows that are looked at for one page; left out: any number. */
  lookedMax?: number;
  /** Who waits for it: readers take turns. `''`: the operator. */
  who: string;
}

/** Rows of the first slice; later ones are as many as a millisecond has room for. */
const firstSlice = 4;
const sliceMs = 1;
const sliceRowsMax = 100;

export async function* listingOf<Row>(source: ListSource<Row>): Listing<Row> {
  const { who, limit, bytesMax = listBytesMax, lookedMax = Number.POSITIVE_INFINITY } = source;
  const room = bytesMax - envelopeBytes;
  let [count, bytes, looked, wanted] = [0, 0, 0, firstSlice];
  let cursor = source.cursor ?? null;
  while (count < limit && looked < lookedMax) {
    await fairTurn(who);
    const beganAt = performance.now();
    const asked = Math.min(wanted, limit - count);
    const read = await source.read(cursor, asked);
    looked += read.looked ?? read.rows.length;
    const slice: ListedRow<Row>[] = [];
    for (const one of read.rows) {
      let listed = withJson(one);
      if (count === 0 && listed.bytes > room) {
        listed = withJson({ ...one, row: source.cut(one.row) });
      } else if (bytes + listed.bytes > room) {
        yield slice;
        return { next: cursor, looked };
      }
      ({ cursor } = one);
      bytes += listed.bytes;
      count += 1;
      slice.push(listed);
    }
    wanted = nextSize(asked, performance.now() - beganAt);
    yield slice;
    if (read.next === null) return { next: null, looked };
    cursor = read.next;
  }
  return { next: cursor, looked };
}

function withJson<Row>({ row, cursor }: { row: Row; cursor: string }): ListedRow<Row> {
  const json = JSON.stringify(row);
  // With the comma before it.
  return { row, json, bytes: Buffer.byteLength(json) + 1, cursor };
}

function nextSize(rows: number, tookMs: number): number {
  if (tookMs > 2 * sliceMs) return Math.max(1, Math.floor(rows / 2));
  return tookMs < sliceMs / 2 ? Math.min(sliceRowsMax, rows * 2) : rows;
}

/** The whole page, for carriers that send it as one message. */
export async function collected<Row>(
  listing: Listing<Row>,
): Promise<ListEnd & { rows: Row[]; bytes: number }> {
  const rows: Row[] = [];
  let bytes = 0;
  for (;;) {
    const slice = await listing.next();
    if (slice.done === true) return { rows, bytes, ...slice.value };
    for (const one of slice.value) {
      rows.push(one.row);
      bytes += one.bytes;
    }
  }
}

/** Characters of a text that a list shows; the whole text stands where the one thing is asked for. */
export const headCharsMax = 1_000;

/** The first characters of a text, and whether there are more. */
export function headOfText(
  text: string,
  charsMax = headCharsMax,
): { text: string; isCut: boolean } {
  if (text.length <= charsMax) return { text, isCut: false };
  // A character has two code units at most, so a text of megabytes is not taken apart.
  const head = Array.from(text.slice(0, 2 * charsMax))
    .slice(0, charsMax)
    .join('');
  return { text: head, isCut: head.length < text.length };
}
