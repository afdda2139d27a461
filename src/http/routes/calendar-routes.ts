/** `/calendar…`: import and export of calendar files (the local calendar only). */
import { Readable } from 'node:stream';
import { z } from 'zod';
import { GatehouseError } from '#shared/errors';
import {
  textResponse,
  userFields,
  userIdSchema,
  declareRoutes,
  type RouteServer,
} from '../server/route-schemas.ts';

/** Result of an import, as counts of events. */
const reportSchema = z.strictObject({
  added: z.int(),
  updated: z.int(),
  unchanged: z.int(),
  /** One line per event that could not be parsed. */
  unreadable: z.array(z.string()),
  /** One line per less important part that was left out; absent where nothing was. */
  dropped: z.array(z.string()).optional(),
});
export type CalendarReport = z.infer<typeof reportSchema>;

/** The part of the local calendar that these routes use. */
export interface CalendarFileService {
  /** Durable when it resolves. Imports all events that can be parsed, or none. @throws GH_STORE_UNAVAILABLE */
  importIcs(userId: string, ics: string): Promise<CalendarReport>;
  /** The iCalendar text in pieces, generated on demand. */
  exportIcs(userId: string): AsyncIterable<string>;
}

/**
 * About 10,000 entries. Parsing takes up to a second per million characters and blocks the event loop; a lower limit
 * would force users to split a calendar of many years by hand.
 */
const icsCharsMax = 4_000_000;
/** The text as JSON: line ends take twice their size, Korean letters three bytes each. */
const bodyBytesMax = 12 * 1024 * 1024;
/** Maximum number of lines per list of the report. */
const linesMax = 100;

const importBody = z.object({ ics: z.string().min(1).max(icsCharsMax), user_id: userIdSchema });

const declare = declareRoutes('calendar');

/** @param service null: the calendar is kept on another server, and both routes respond with that error */
export const calendarRoutes =
  (service: CalendarFileService | null) =>
  (server: RouteServer): void => {
    server.post(
      '/calendar/import',
      declare.person('Bring a calendar file (.ics) into the local calendar.', {
        body: importBody,
        response: { 200: reportSchema },
        errors: ['GH_TOOL_INPUT', 'GH_TOOL_NOT_LOCAL'],
        bodyLimit: bodyBytesMax,
      }),
      async (request) => {
        const { ics, user_id } = request.body;
        const { unreadable, dropped, ...done } = await requireLocal(service).importIcs(
          user_id,
          ics,
        );
        if (unreadable.length > 0 && done.added + done.updated + done.unchanged === 0) {
          throw new GatehouseError('GH_TOOL_INPUT', `ics: ${unreadable[0]}`);
        }
        return {
          ...done,
          unreadable: unreadable.slice(0, linesMax),
          ...(dropped === undefined ? {} : { dropped: dropped.slice(0, linesMax) }),
        };
      },
    );
    server.get(
      '/calendar.ics',
      declare.person('The local calendar as a file.', {
        querystring: userFields,
        response: { 200: textResponse('text/calendar') },
        errors: ['GH_TOOL_NOT_LOCAL'],
      }),
      async (request, reply) => {
        const pieces = countBytes(requireLocal(service).exportIcs(request.query.user_id), (bytes) =>
          request.chargeResponseBytes(bytes * readingWeight),
        );
        return reply
          .type('text/calendar; charset=utf-8')
          .header('content-disposition', 'attachment; filename="calendar.ics"')
          .send(Readable.from(pieces, { objectMode: false, highWaterMark: 64 * 1024 }));
      },
    );
  };

/** Reading an entry takes as long as sending eight times its bytes. */
const readingWeight = 8;

async function* countBytes(
  pieces: AsyncIterable<string>,
  count: (bytes: number) => void,
): AsyncGenerator<string> {
  for await (const piece of pieces) {
    count(Buffer.byteLength(piece));
    yield piece;
  }
}

function requireLocal(service: CalendarFileService | null): CalendarFileService {
  if (service !== null) return service;
  throw new GatehouseError(
    'GH_TOOL_NOT_LOCAL',
    'The calendar is kept by a CalDAV server; import and export its files there',
  );
}
