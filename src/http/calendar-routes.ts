/** `/calendar…`: calendar files into the local calendar and out of it. */
import { Readable } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';
import { GatehouseError } from '../lib/errors.ts';
import { person } from './access.ts';
import { readInput, userId } from './input.ts';

/** What became of the events of a file. */
export interface CalendarReport {
  added: number;
  updated: number;
  unchanged: number;
  /** One line per event that could not be read. */
  unreadable: string[];
  /** One line per thing of less weight that was left out; absent where nothing was. */
  dropped?: string[];
}

/** The local calendar, as these routes need it. */
export interface CalendarDoor {
  /** Durable when it returns; all events that can be read, or none. @throws GH_STORE_UNAVAILABLE */
  importIcs(userId: string, ics: string): CalendarReport;
  /** The text in pieces, made as they are asked for. */
  exportIcs(userId: string): AsyncIterable<string>;
}

/**
 * About 10,000 entries. Reading takes up to a second per million characters, in one piece, and everybody
 * waits for it; with less, the calendar of many years would have to be cut by hand.
 */
const icsCharsMax = 4_000_000;
/** The text as JSON: line ends take twice their room, Korean letters three bytes each. */
const bodyBytesMax = 12 * 1024 * 1024;
/** Lines of each kind that a report has room for. */
const linesMax = 100;

export const importBody = z.object({ ics: z.string().min(1).max(icsCharsMax), user_id: userId });
export const exportQuery = z.object({ user_id: userId });

/** @param door null: the calendar is kept elsewhere, and both routes say so */
export function calendarRoutes(door: CalendarDoor | null): (server: FastifyInstance) => void {
  return (server) => {
    server.post('/calendar/import', { ...person, bodyLimit: bodyBytesMax }, (request) => {
      const { ics, user_id } = readInput(importBody, request.body);
      const { unreadable, dropped, ...done } = local(door).importIcs(user_id, ics);
      if (unreadable.length > 0 && done.added + done.updated + done.unchanged === 0) {
        throw new GatehouseError('GH_TOOL_INPUT', `ics: ${unreadable[0]}`);
      }
      return {
        ...done,
        unreadable: unreadable.slice(0, linesMax),
        ...(dropped === undefined ? {} : { dropped: dropped.slice(0, linesMax) }),
      };
    });
    server.get('/calendar.ics', person, (request, reply) => {
      const { user_id } = readInput(exportQuery, request.query);
      const pieces = counted(local(door).exportIcs(user_id), (bytes) =>
        request.countAnswer(bytes * readingWeight),
      );
      return reply
        .type('text/calendar; charset=utf-8')
        .header('content-disposition', 'attachment; filename="calendar.ics"')
        .send(Readable.from(pieces, { objectMode: false, highWaterMark: 64 * 1024 }));
    });
  };
}

/** Reading an entry takes as long as sending eight times its bytes. */
const readingWeight = 8;

async function* counted(
  pieces: AsyncIterable<string>,
  count: (bytes: number) => void,
): AsyncGenerator<string> {
  for await (const piece of pieces) {
    count(Buffer.byteLength(piece));
    yield piece;
  }
}

function local(door: CalendarDoor | null): CalendarDoor {
  if (door !== null) return door;
  throw new GatehouseError(
    'GH_TOOL_NOT_LOCAL',
    'The calendar is kept by a CalDAV server; import and export its files there',
  );
}
