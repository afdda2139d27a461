/**
 * Looks for jobs by words. The door lists by state and user; words are looked for page by page from the
 * newest job back, so that one search holds nobody up, and a search without a hit ends with a place to go
 * on from.
 */
import { z } from 'zod';
import type { JobDoor, JobPage } from '../contract/door.ts';
import { GatehouseError } from '../lib/errors.ts';

export const searchQuery = z.object({
  q: z.string().max(200).optional(),
  state: z.string().max(32).optional(),
  user_id: z.string().max(256).optional(),
  cursor: z.string().max(64).optional(),
});

/** Rows of one answer: what a screen shows, with some to scroll. */
const hitsMax = 50;
const pageSize = 500;
/** Jobs looked at for one answer: about 100 ms of reading, in slices of 5 ms. */
const lookedAtMax = 10_000;

export interface SearchResult extends JobPage {
  /** Jobs that were looked at for this page. */
  looked: number;
}

export async function searchJobs(door: JobDoor, query: unknown): Promise<SearchResult> {
  const parsed = searchQuery.safeParse(query);
  if (!parsed.success) throw new GatehouseError('GH_REQUEST_INVALID');
  const { q, ...filter } = parsed.data;
  const words = (q ?? '').trim().toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) {
    const page = await door.list({ ...filter, limit: hitsMax });
    return { ...page, looked: page.jobs.length };
  }
  const named = filter.cursor === undefined ? await byId(door, words, filter.user_id) : null;
  if (named !== null) return named;
  const jobs: JobPage['jobs'] = [];
  let { cursor } = filter;
  let looked = 0;
  do {
    const page = await door.list({ ...filter, limit: pageSize, ...(cursor ? { cursor } : {}) });
    looked += page.jobs.length;
    jobs.push(...page.jobs.filter((job) => isHit(job, words)));
    cursor = page.next_cursor ?? undefined;
    await new Promise((resolve) => setImmediate(resolve));
  } while (cursor !== undefined && jobs.length < hitsMax && looked < lookedAtMax);
  return { jobs, next_cursor: cursor ?? null, looked };
}

/** A whole id finds its job at once, however old. */
async function byId(
  door: JobDoor,
  words: string[],
  userId: string | undefined,
): Promise<SearchResult | null> {
  const [id = ''] = words;
  if (words.length !== 1 || !/^[0-9a-z]{26}$/.test(id)) return null;
  try {
    const job = await door.get(id.toUpperCase());
    if (userId !== undefined && job.user_id !== userId) return null;
    return { jobs: [job], next_cursor: null, looked: 1 };
  } catch {
    return null;
  }
}

function isHit(job: JobPage['jobs'][number], words: string[]): boolean {
  const text =
    `${job.job_id} ${job.user_id} ${job.channel} ${job.state} ${job.outcome ?? ''} ${job.message} ${job.reply ?? ''}`.toLowerCase();
  return words.every((word) => text.includes(word));
}
