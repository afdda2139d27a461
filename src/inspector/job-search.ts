/**
 * Looks for jobs by words. The door lists by state and user; words are looked for page by page from the
 * newest job back, so that one search holds nobody up, and a search without a hit ends with a place to go
 * on from.
 */
import { z } from 'zod';
import { listQuery, type JobDoor, type JobPage, type JobView } from '../contract/door.ts';
import { cutJob } from '../contract/listed-job.ts';
import { GatehouseError } from '../lib/errors.ts';
import type { InspectorParts } from './parts.ts';
import { pays } from './slices.ts';

export const searchQuery = z.object({
  ...listQuery.omit({ limit: true, texts: true }).shape,
  q: z.string().max(200).optional(),
  /** Only jobs accepted at this time or later, epoch ms. */
  since: z.coerce.number().min(0).optional(),
  /** Only jobs accepted at this time or earlier, epoch ms. */
  until: z.coerce.number().min(0).optional(),
});

/** Rows of one answer: what a screen shows, with some to scroll. */
const hitsMax = 50;
/** Jobs whose words are read in one slice: a few milliseconds, more where all have pages of text. */
const pageSize = 100;
/** Jobs looked at for one answer: some 100 ms of reading, in slices. */
const lookedAtMax = 10_000;
/** Jobs looked at for each request that a person is charged. */
const lookedAtPerRequest = 500;

type FoundJobs = Omit<JobPage, 'next'>;

/** `user`: whose key it is, and who is charged. Where nothing is left to be charged, the page ends there. */
export async function searchJobs(
  parts: Pick<InspectorParts, 'door' | 'limits' | 'slices'>,
  query: unknown,
  user: string | null,
): Promise<FoundJobs> {
  const { door, slices } = parts;
  const parsed = searchQuery.safeParse(query);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const detail = issue === undefined ? undefined : `${issue.path.join('.')}: ${issue.message}`;
    throw new GatehouseError('GH_REQUEST_INVALID', detail);
  }
  const { q, since = 0, until = Infinity, ...filter } = parsed.data;
  const words = (q ?? '').trim().toLowerCase().split(/\s+/).filter(Boolean);
  const named = filter.cursor === undefined ? await byId(door, words, filter.user_id) : null;
  if (named !== null) return named;
  const jobs: JobPage['jobs'] = [];
  let { cursor } = filter;
  let [looked, paid] = [0, lookedAtPerRequest];
  do {
    await slices.turn();
    const limit = words.length === 0 ? hitsMax - jobs.length : pageSize;
    // Words are looked for in whole texts, and shown with their beginnings.
    const texts = words.length > 0;
    const page = await door.list({ ...filter, limit, texts, ...(cursor ? { cursor } : {}) });
    looked += page.looked;
    const times = page.jobs.map((job) => Date.parse(job.created_at));
    const hits = page.jobs.filter(
      (job, index) => times[index]! >= since && times[index]! <= until && isHit(job, words),
    );
    jobs.push(...hits.map(cutJob));
    // The newest come first: behind one that is too old there is nothing more to find.
    const isPast = times.some((time) => time < since);
    cursor = isPast ? undefined : (page.next ?? undefined);
    while (looked >= paid && pays(parts, user)) paid += lookedAtPerRequest;
  } while (cursor !== undefined && jobs.length < hitsMax && looked < Math.min(paid, lookedAtMax));
  return { jobs, next_cursor: cursor ?? null, looked };
}

/** A whole id finds its job at once, however old. */
async function byId(
  door: JobDoor,
  words: string[],
  userId: string | undefined,
): Promise<FoundJobs | null> {
  const [id = ''] = words;
  if (words.length !== 1 || !/^[0-9a-z]{26}$/.test(id)) return null;
  try {
    const job = await door.get(id.toUpperCase());
    if (userId !== undefined && job.user_id !== userId) return null;
    return { jobs: [rowOf(job)], next_cursor: null, looked: 1 };
  } catch {
    return null;
  }
}

/** The fields of a list. */
function rowOf(view: JobView): JobPage['jobs'][number] {
  const row: Partial<JobView> = { ...view };
  delete row.timings;
  delete row.queue;
  delete row.deliveries;
  delete row.cause;
  return cutJob(row as JobPage['jobs'][number]);
}

function isHit(job: JobPage['jobs'][number], words: string[]): boolean {
  const text =
    `${job.job_id} ${job.user_id} ${job.channel} ${job.state} ${job.outcome ?? ''} ${job.message} ${job.reply ?? ''}`.toLowerCase();
  return words.every((word) => text.includes(word));
}
