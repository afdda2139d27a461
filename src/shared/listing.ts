/**
 * Pages of a list, bounded in rows and bytes. Rows are read in slices of about a millisecond and only on demand:
 * nothing is read before the consumer asks for it (backpressure).
 */
import type { FairSlices } from './fair-slices.ts';

/** Maximum UTF-8 bytes of the JSON of one page: about 200 jobs with long answers. A longer list takes several pages. */
export const listBytesMax = 1024 * 1024;
/** Reserved for the fields around the rows. */
const envelopeBytes = 1024;

/** A row, its JSON, and the cursor that continues after it. */
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
  /** Rows examined: more than the page shows where a filter skips many. */
  looked: number;
}

/** Yields slices of rows, returns the end of the page. */
export type Listing<Row> = AsyncGenerator<ListedRow<Row>[], ListEnd>;

/** Rows in order, each with the cursor that continues after it. */
export interface ReadRows<Row> {
  rows: { row: Row; cursor: string }[];
  /** The cursor to continue with; null: there are no more rows. */
  next: string | null;
  /** Rows examined; default: the number of `rows`. */
  looked?: number;
}

export interface ListSource<Row> {
  /**
   * At most `count` rows after the cursor (null: from the start). May return fewer rows, or none, and still continue.
   */
  read(cursor: string | null, count: number): ReadRows<Row> | Promise<ReadRows<Row>>;
  /** The row with shortened texts, for a row that is larger than a page. */
  cut(row: Row): Row;
  cursor?: string | null | undefined;
  /** Maximum rows of the page. */
  limit: number;
  /** Default 1 MiB. */
  bytesMax?: number | undefined;
  /** Maximum rows examined for one page; default: no limit. */
  lookedMax?: number;
  /** The user that waits for the list; callers are served round-robin (fair-slices.ts). `''`: the operator. */
  who: string;
  slices: FairSlices;
}

/** Rows of the first slice; later slices hold as many rows as can be read in a millisecond. */
const firstSlice = 4;
const sliceMs = 1;
const sliceRowsMax = 100;

export async function* createListing<Row>(source: ListSource<Row>): Listing<Row> {
  const {
    who,
    slices,
    limit,
    bytesMax = listBytesMax,
    lookedMax = Number.POSITIVE_INFINITY,
  } = source;
  const room = bytesMax - envelopeBytes;
  let [count, bytes, looked, wanted] = [0, 0, 0, firstSlice];
  let cursor = source.cursor ?? null;
  while (count < limit && looked < lookedMax) {
    await slices.wait(who);
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
  // Plus the comma before it.
  return { row, json, bytes: Buffer.byteLength(json) + 1, cursor };
}

function nextSize(rows: number, tookMs: number): number {
  if (tookMs > 2 * sliceMs) return Math.max(1, Math.floor(rows / 2));
  return tookMs < sliceMs / 2 ? Math.min(sliceRowsMax, rows * 2) : rows;
}

/** The whole page, for transports that send it as one message. */
export async function collectListing<Row>(
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

/** Maximum characters of a text in a list; the request for the single item returns the whole text. */
export const previewCharsMax = 1_000;

/** The first characters of a text, and whether it was cut. */
export function previewOf(
  text: string,
  charsMax = previewCharsMax,
): { text: string; isCut: boolean } {
  if (text.length <= charsMax) return { text, isCut: false };
  // A character has at most two code units, so only a bounded part of a long text is split.
  const head = Array.from(text.slice(0, 2 * charsMax))
    .slice(0, charsMax)
    .join('');
  return { text: head, isCut: head.length < text.length };
}
