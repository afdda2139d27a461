/**
 * Searches jobs by words. The job service lists by state and user; words are searched page by page from the newest job
 * back, so that a search does not block the event loop, and a search without a hit returns a cursor to continue from.
 */
import { z } from 'zod';
import { listQuery, type JobService, type JobPage, type JobView } from '#shared/wire/job-service';
import { previewJob } from '#shared/wire/job-preview';
import type { InspectorContext } from './inspector-context.ts';
import { tryCharge } from './cooperative-scheduler.ts';

export const searchQuery = z.object({
  ...listQuery.omit({ limit: true, texts: true }).shape,
  q: z.string().max(200).optional(),
  /** Only jobs accepted at this time or later, epoch ms. */
  since: z.coerce.number().min(0).optional(),
  /** Only jobs accepted at this time or earlier, epoch ms. */
  until: z.coerce.number().min(0).optional(),
});

/** Rows per response: more than a screen shows. */
const hitsMax = 50;
/** Jobs whose texts are searched in one slice: a few milliseconds, more where all have pages of text. */
const pageSize = 100;
/** Jobs searched per response: some 100 ms of reading, in slices. */
const lookedAtMax = 10_000;
/** Jobs searched per request that the rate limiter charges. */
const lookedAtPerRequest = 500;

type FoundJobs = Omit<JobPage, 'next'>;

/** `user`: the user of the key, who is charged. When the rate limit is reached, the page ends early. */
export async function searchJobs(
  parts: Pick<InspectorContext, 'jobService' | 'limits' | 'slices'>,
  { q, since = 0, until = Infinity, ...filter }: z.infer<typeof searchQuery>,
  user: string | null,
): Promise<FoundJobs> {
  const { jobService, slices } = parts;
  const words = (q ?? '').trim().toLowerCase().split(/\s+/).filter(Boolean);
  const named = filter.cursor === undefined ? await byId(jobService, words, filter.user_id) : null;
  if (named !== null) return named;
  const jobs: JobPage['jobs'] = [];
  let { cursor } = filter;
  let [looked, paid] = [0, lookedAtPerRequest];
  do {
    await slices.nextSlice();
    const limit = words.length === 0 ? hitsMax - jobs.length : pageSize;
    // The search needs whole texts; the result shows only their beginnings.
    const texts = words.length > 0;
    const page = await jobService.list({ ...filter, limit, texts, ...(cursor ? { cursor } : {}) });
    looked += page.looked;
    const times = page.jobs.map((job) => Date.parse(job.created_at));
    const hits = page.jobs.filter(
      (job, index) => times[index]! >= since && times[index]! <= until && isHit(job, words),
    );
    jobs.push(...hits.map(previewJob));
    // Newest first: after a job that is too old there are no further hits.
    const isPast = times.some((time) => time < since);
    cursor = isPast ? undefined : (page.next ?? undefined);
    while (looked >= paid && tryCharge(parts, user)) paid += lookedAtPerRequest;
  } while (cursor !== undefined && jobs.length < hitsMax && looked < Math.min(paid, lookedAtMax));
  return { jobs, next_cursor: cursor ?? null, looked };
}

/** A complete id finds its job directly, however old it is. */
async function byId(
  jobService: JobService,
  words: string[],
  userId: string | undefined,
): Promise<FoundJobs | null> {
  const [id = ''] = words;
  if (words.length !== 1 || !/^[0-9a-z]{26}$/.test(id)) return null;
  try {
    const job = await jobService.get(id.toUpperCase());
    if (userId !== undefined && job.user_id !== userId) return null;
    return { jobs: [rowOf(job)], next_cursor: null, looked: 1 };
  } catch {
    return null;
  }
}

/** Keeps the fields of a list row. */
function rowOf(view: JobView): JobPage['jobs'][number] {
  const row: Partial<JobView> = { ...view };
  delete row.timings;
  delete row.queue;
  delete row.deliveries;
  delete row.cause;
  return previewJob(row as JobPage['jobs'][number]);
}

function isHit(job: JobPage['jobs'][number], words: string[]): boolean {
  const text =
    `${job.job_id} ${job.user_id} ${job.channel} ${job.state} ${job.outcome ?? ''} ${job.message} ${job.reply ?? ''}`.toLowerCase();
  return words.every((word) => text.includes(word));
}
