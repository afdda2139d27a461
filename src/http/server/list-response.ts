/**
 * List responses: sent in slices as they are read, at the client's pace, and charged to the user by bytes. A list that
 * fails before its first slice gets an error status; later failures end the connection.
 */
import { Readable } from 'node:stream';
import type { FastifyReply } from 'fastify';
import type { ListedRow, ListEnd, Listing } from '#shared/listing';

/** The fields after the rows. */
const endOf = ({ next }: ListEnd): Record<string, unknown> => ({ next, next_cursor: next });

/**
 * `{[name]: [...], next, next_cursor}`, with `fields` before it.
 * @param more fields after the rows, from the end of the list
 */
export async function sendList<Row>(
  reply: FastifyReply,
  name: string,
  listing: Listing<Row>,
  { fields = {}, more = endOf }: { fields?: object; more?: (end: ListEnd) => object } = {},
): Promise<void> {
  const first = await listing.next();
  const { chargeResponseBytes } = reply.request;
  async function* pieces(): AsyncGenerator<string> {
    let slice = first;
    const head = JSON.stringify(fields).slice(0, -1);
    yield `${head}${head === '{' ? '' : ','}${JSON.stringify(name)}:[`;
    for (let isFirst = true; slice.done !== true; slice = await listing.next()) {
      const text = joinRows(slice.value);
      if (text === '') continue;
      chargeResponseBytes(bytesOf(slice.value));
      yield isFirst ? text : `,${text}`;
      isFirst = false;
    }
    yield `],${JSON.stringify(more(slice.value)).slice(1)}`;
  }
  return reply
    .type('application/json; charset=utf-8')
    .send(Readable.from(pieces(), { objectMode: false, highWaterMark: 64 * 1024 }));
}

const joinRows = (slice: readonly ListedRow<unknown>[]): string =>
  slice.map(({ json }) => json).join(',');

const bytesOf = (slice: readonly ListedRow<unknown>[]): number =>
  slice.reduce((sum, { bytes }) => sum + bytes, 0);
