/** Jobs and their events as lists: bounded in rows and bytes, read in slices (lib/listing.ts). */
import { threadOf } from '#shared/wire/conversation';
import { listQuery, type JobPage, type ListedJob } from '#shared/wire/job-service';
import { previewJob } from '#shared/wire/job-preview';
import type { StateEvent } from '#shared/wire/state-event';
import type { FairSlices } from '#shared/fair-slices';
import { GatehouseError } from '#shared/errors';
import {
  collectListing,
  previewCharsMax,
  previewOf,
  createListing,
  type Listing,
} from '#shared/listing';
import type { EventCursor, EventRow, JobListing, JobQueries } from '../store/job-queries.ts';
import { parseInput } from '#shared/parse-input';

/** Maximum jobs scanned for one page: a search for a rare state continues with the next page. */
const lookedMax = 1_000;
/** Jobs scanned per slice when searching for a rare state. */
const lookedPerSlice = 200;

/** @throws GH_REQUEST_INVALID */
export function jobListing(
  queries: JobQueries,
  query: unknown,
  slices: FairSlices,
  bytesMax?: number,
): Listing<ListedJob> {
  const { user_id: userId, limit, cursor, texts, ...filter } = parseInput(listQuery, query ?? {});
  if (cursor !== undefined && !Number.isSafeInteger(Number(cursor))) {
    throw new GatehouseError('GH_REQUEST_INVALID', 'cursor: not one of ours');
  }
  // One character more than the preview shows whether the text was cut.
  const most = texts ? {} : { textMax: previewCharsMax + 1 };
  return createListing({
    who: userId ?? '',
    slices,
    limit,
    bytesMax,
    lookedMax,
    cursor,
    async read(from, count) {
      const page = await queries.list({
        ...filter,
        userId,
        before: from === null ? undefined : Number(from),
        limit: count,
        scannedMax: Math.max(lookedPerSlice, count),
        ...most,
      });
      return {
        rows: page.jobs.map((job) => ({
          row: texts ? toListedJob(job) : previewJob(toListedJob(job)),
          cursor: String(job.num),
        })),
        next: page.before === null ? null : String(page.before),
        looked: page.looked,
      };
    },
    cut: previewJob,
  });
}

export async function toJobPage(listing: Listing<ListedJob>): Promise<JobPage> {
  const { rows, next, looked } = await collectListing(listing);
  return { jobs: rows, next, next_cursor: next, looked };
}

/** The whole row. */
export const toListedJob = (job: JobListing): ListedJob => ({
  job_id: job.id,
  user_id: job.user_id,
  channel: job.channel,
  thread: threadOf(job.conversation),
  message: job.message,
  state: job.state,
  outcome: job.outcome as ListedJob['outcome'],
  reply: job.reply,
  seq: job.seq,
  created_at: toIso(job.created_at),
  updated_at: toIso(job.updated_at),
  delivery: job.delivery,
});

const toIso = (at: number): string => new Date(at).toISOString();

/** State events of a job after the cursor, a `seq`. An event too large for any page has its texts cut. */
export async function* eventListing(
  queries: JobQueries,
  jobId: string,
  { cursor, limit }: { cursor: number; limit: number },
  slices: FairSlices,
): Listing<StateEvent> {
  const job = await queries.find(jobId);
  if (job === null) throw new GatehouseError('GH_JOB_NOT_FOUND');
  let position: EventCursor = { afterSeq: cursor };
  return yield* createListing<StateEvent>({
    who: job.user_id,
    slices,
    limit,
    cursor: String(cursor),
    async read(from, count) {
      const rows: EventRow[] = await queries.eventRows(job, position, count);
      const last = rows.at(-1);
      if (last !== undefined) position = { afterN: last.n };
      const events = rows.flatMap((row) => row.events);
      return {
        rows: events.map((row) => ({ row, cursor: String(row.seq) })),
        next: rows.length < count ? null : String(events.at(-1)?.seq ?? from),
      };
    },
    cut: truncateEvent,
  });
}

/** Maximum of an event's data with cut texts; larger data are omitted as a whole. */
const restBytesMax = 64 * 1024;

function truncateEvent(event: StateEvent): StateEvent {
  const json = JSON.stringify(event.data, (_key, value: unknown) =>
    typeof value === 'string' ? previewOf(value).text : value,
  );
  const rest = json.length > restBytesMax ? {} : (JSON.parse(json) as StateEvent['data']);
  return { ...event, data: { ...rest, truncated: true } };
}
