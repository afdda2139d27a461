/** Jobs and their events as lists: bounded in rows and bytes, read in slices (lib/listing.ts). */
import { threadOf } from '../contract/conversation.ts';
import { listQuery, type JobPage, type ListedJob } from '../contract/door.ts';
import { cutJob } from '../contract/listed-job.ts';
import type { StateEvent } from '../contract/state-event.ts';
import { GatehouseError } from '../lib/errors.ts';
import { collected, headCharsMax, headOfText, listingOf, type Listing } from '../lib/listing.ts';
import type { EventPlace, EventRow, JobListing, JobQueries } from '../store/job-queries.ts';
import { parse } from './door-input.ts';

/** Jobs that one page looks at: a search for a rare state goes on with the next page. */
const lookedMax = 1_000;
/** Jobs that one slice looks at for a state that few have. */
const lookedPerSlice = 200;

/** @throws GH_REQUEST_INVALID */
export function jobListing(
  queries: JobQueries,
  query: unknown,
  bytesMax?: number,
): Listing<ListedJob> {
  const { user_id: userId, limit, cursor, texts, ...filter } = parse(listQuery, query ?? {});
  if (cursor !== undefined && !Number.isSafeInteger(Number(cursor))) {
    throw new GatehouseError('GH_REQUEST_INVALID', 'cursor: not one of ours');
  }
  // One character more than is shown says that there are more.
  const most = texts ? {} : { textMax: headCharsMax + 1 };
  return listingOf({
    who: userId ?? '',
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
        lookedMax: Math.max(lookedPerSlice, count),
        ...most,
      });
      return {
        rows: page.jobs.map((job) => ({
          row: texts ? listedJob(job) : cutJob(listedJob(job)),
          cursor: String(job.num),
        })),
        next: page.before === null ? null : String(page.before),
        looked: page.looked,
      };
    },
    cut: cutJob,
  });
}

export async function pageOf(listing: Listing<ListedJob>): Promise<JobPage> {
  const { rows, next, looked } = await collected(listing);
  return { jobs: rows, next, next_cursor: next, looked };
}

/** The whole row. */
export const listedJob = (job: JobListing): ListedJob => ({
  job_id: job.id,
  user_id: job.user_id,
  channel: job.channel,
  thread: threadOf(job.conversation),
  message: job.message,
  state: job.state,
  outcome: job.outcome,
  reply: job.reply,
  seq: job.seq,
  created_at: iso(job.created_at),
  updated_at: iso(job.updated_at),
  delivery: job.delivery,
});

const iso = (at: number): string => new Date(at).toISOString();

/** State events of a job behind the cursor, a `seq`. An event too large for any page has its texts cut. */
export async function* eventListing(
  queries: JobQueries,
  jobId: string,
  { cursor, limit }: { cursor: number; limit: number },
): Listing<StateEvent> {
  const job = await queries.find(jobId);
  if (job === null) throw new GatehouseError('GH_JOB_NOT_FOUND');
  let place: EventPlace = { afterSeq: cursor };
  return yield* listingOf<StateEvent>({
    who: job.user_id,
    limit,
    cursor: String(cursor),
    async read(from, count) {
      const rows: EventRow[] = await queries.eventRows(job, place, count);
      const last = rows.at(-1);
      if (last !== undefined) place = { afterN: last.n };
      const events = rows.flatMap((row) => row.events);
      return {
        rows: events.map((row) => ({ row, cursor: String(row.seq) })),
        next: rows.length < count ? null : String(events.at(-1)?.seq ?? from),
      };
    },
    cut: cutEvent,
  });
}

/** What an event says besides its texts; more than this is left out as a whole. */
const restBytesMax = 64 * 1024;

function cutEvent(event: StateEvent): StateEvent {
  const json = JSON.stringify(event.data, (_key, value: unknown) =>
    typeof value === 'string' ? headOfText(value).text : value,
  );
  const rest = json.length > restBytesMax ? {} : (JSON.parse(json) as StateEvent['data']);
  return { ...event, data: { ...rest, truncated: true } };
}
