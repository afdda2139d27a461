/**
 * JobQueries of jobs for listings and APIs, and the removal of old jobs (retention). Not on the hot path: typed queries,
 * each some tens of microseconds slower than a prepared statement.
 */
import { sql, type Selectable } from 'kysely';
import { finalStates } from '#machines/job-states';
import type { JobEmitted } from '#machines/job-types';
import { stateEventsOf, type StateEvent } from '#shared/wire/state-event';
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import type { Database } from '#storage/database';
import type { JobTable } from '#storage/schema';
import { topLevelState } from './job-rows.ts';

export interface JobListing extends Omit<
  Selectable<JobTable>,
  'input' | 'machine_version' | 'n' | 'snapshot' | 'wake_at'
> {
  /** The worst delivery of a reply in its chat; null when all is well, or nothing was reported. */
  delivery: 'uncertain' | 'dead' | null;
}

export interface ConversationMessage {
  role: 'user' | 'assistant';
  content: string;
}

export interface JobListFilter {
  state?: string | undefined;
  /** Outcome of ended jobs; `cancelled` for cancelled jobs, which have no outcome of their own. */
  outcome?: string | undefined;
  userId?: string | undefined;
  channel?: string | undefined;
  /** Only jobs accepted before the job with this number. */
  before?: number | undefined;
  limit: number;
  /** Characters of message and reply, at most; left out: all. */
  textMax?: number;
  /** Jobs that are scanned, at most. Default 1,000. */
  scannedMax?: number;
}

export interface ListedJobs {
  jobs: JobListing[];
  /** Jobs that were scanned for this page. */
  looked: number;
  /** `before` of the next page; null when there is none. */
  before: number | null;
}

/** A message and its answer. */
export interface AnsweredMessage {
  /** Counts the answered messages of the conversation from 0, as far as they are still kept. */
  position: number;
  message: string;
  reply: string;
}

/** Events after a `seq`, or after a row of the journal. */
export type EventCursor = { afterSeq: number } | { afterN: number };

export interface EventRow {
  n: number;
  events: StateEvent[];
}

/** Rows that one transaction of a prune scans: more would delay the commits of running jobs. */
const pruneBatch = 200;

/**
 * Jobs that one list scans, in a few milliseconds on the thread that commits. Fewer make more requests necessary for a
 * rare state; more delay all users for one reader.
 */
const scannedMaxDefault = 1_000;

/** All other states are those of open jobs, which are few and have an index of their own. */
const endedStates = [...finalStates];

const listed = [
  'num',
  'id',
  'user_id',
  'channel',
  'conversation',
  'state',
  'outcome',
  'seq',
  'created_at',
  'updated_at',
  'ended_at',
] as const;

/** `dead` is the worse result, and sorts before `uncertain`. */
const worstDelivery = sql<'uncertain' | 'dead' | null>`(
  select min(status) from delivery where delivery.job_id = job_now.id and status <> 'sent'
)`.as('delivery');

export function createJobQueries(database: Database): JobQueries {
  return new JobQueries(database);
}

export class JobQueries {
  readonly #database: Database;
  readonly #query: Database['query'];

  constructor(database: Database) {
    this.#database = database;
    this.#query = database.query;
  }

  async find(jobId: string): Promise<JobListing | null> {
    const row = await this.#query
      .selectFrom('job_now')
      .select(listed)
      .select(['message', 'reply'])
      .select(worstDelivery)
      .where('id', '=', jobId)
      .executeTakeFirst();
    return row ?? null;
  }

  /**
   * Newest first. Scans a bounded number of jobs: a page of a rare state may be short or empty although more pages
   * follow.
   */
  async list(filter: JobListFilter): Promise<ListedJobs> {
    const { state, outcome, userId, channel, limit } = filter;
    const lookedMax = filter.scannedMax ?? scannedMaxDefault;
    const seen = await this.#scan(filter, lookedMax);
    const hits = seen
      .filter((job) => state === undefined || job.state === state)
      .filter((job) => outcome === undefined || outcomeOf(job) === outcome)
      .filter((job) => userId === undefined || job.user_id === userId)
      .filter((job) => channel === undefined || job.channel === channel)
      .slice(0, limit);
    const jobs = hits.length === 0 ? [] : await this.#listed(hits, filter);
    const last = hits.length === limit ? hits.at(-1) : seen[lookedMax - 1];
    const looked = last === undefined ? seen.length : seen.indexOf(last) + 1;
    return { jobs, looked, before: last?.num ?? null };
  }

  #listed(hits: ScannedJob[], { state, textMax }: JobListFilter): Promise<JobListing[]> {
    // `substr` needs a length: any large number means the whole text.
    const most = textMax ?? 2 ** 31;
    const numbers = hits.map(({ num }) => num);
    return (
      this.#query
        .selectFrom('job_now')
        .select(listed)
        .select([
          sql<string>`substr(message, 1, ${most})`.as('message'),
          sql<string | null>`substr(reply, 1, ${most})`.as('reply'),
        ])
        .select(worstDelivery)
        .where('num', 'in', numbers)
        // Its state may have changed since the scan.
        .$if(state !== undefined, (select) => select.where('state', '=', state!))
        .orderBy('num', 'desc')
        .execute()
    );
  }

  /** The newest jobs, filtered only by what an index serves: every row that is read counts as scanned. */
  #scan(filter: JobListFilter, lookedMax: number): Promise<ScannedJob[]> {
    const { state, outcome, userId, channel, before, limit } = filter;
    const isByIndex = [state, outcome, channel].every((one) => one === undefined);
    const isOpen = state !== undefined && !endedStates.includes(state);
    return this.#query
      .selectFrom('job_now')
      .select(['num', 'state', 'outcome', 'user_id', 'channel'])
      .$if(isOpen, (select) => select.where('ended_at', 'is', null))
      .$if(!isOpen && userId !== undefined, (select) => select.where('user_id', '=', userId!))
      .$if(before !== undefined, (select) => select.where('num', '<', before!))
      .orderBy('num', 'desc')
      .limit(isByIndex ? limit : lookedMax)
      .execute();
  }

  /** State events in order of `seq`, grouped by their journal rows; at most `limit` rows. */
  async eventRows(job: JobListing, from: EventCursor, limit: number): Promise<EventRow[]> {
    const afterSeq = 'afterSeq' in from ? from.afterSeq : 0;
    const afterN = 'afterN' in from ? from.afterN : await this.#rowBefore(job.num, afterSeq);
    const rows = await this.#query
      .selectFrom('journal')
      .select(['n', 'seq', 'at', 'emitted'])
      .where('job', '=', job.num)
      .where('n', '>', afterN)
      .orderBy('n')
      .limit(limit)
      .execute();
    const sender = { jobId: job.id, userId: job.user_id, channel: job.channel };
    return rows.map(({ n, seq, at, emitted }) => ({
      n,
      events: stateEventsOf(sender, {
        seq,
        at,
        emitted: JSON.parse(emitted) as JobEmitted[],
      }).filter((event) => event.seq > afterSeq),
    }));
  }

  /** The row before the one with the event after `seq`. Rows without events may lie between. */
  async #rowBefore(num: number, seq: number): Promise<number> {
    if (seq === 0) return 0;
    const row = await this.#query
      .selectFrom('journal')
      .select('n')
      .where('job', '=', num)
      .where('seq', '<=', seq)
      .where('emitted', '<>', sql.lit('[]'))
      .orderBy('n', 'desc')
      .limit(sql.lit(1))
      .executeTakeFirst();
    // This row holds `seq` itself, and may hold events after it.
    return (row?.n ?? 1) - 1;
  }

  /** When each state was entered: `[state, epoch ms]`, in order. */
  async path(num: number): Promise<[state: string, at: number][]> {
    const rows = await this.#query
      .selectFrom('journal')
      .select(['at', 'value'])
      .where('job', '=', num)
      .orderBy('n')
      .execute();
    const path: [string, number][] = [];
    for (const row of rows) {
      const state = topLevelState(JSON.parse(row.value));
      if (path.at(-1)?.[0] !== state) path.push([state, row.at]);
    }
    return path;
  }

  /**
   * The last answered messages of the conversation before the job, created since `since` (epoch ms), oldest first.
   * Failed answers are not part of it.
   */
  async history(
    conversation: string,
    beforeJob: string,
    exchangesMax: number,
    since: number,
  ): Promise<AnsweredMessage[]> {
    if (exchangesMax === 0) return [];
    const answered = this.#query
      .selectFrom('job')
      .where('conversation', '=', conversation)
      .where('num', '<', (inner) =>
        inner.selectFrom('job').select('num').where('id', '=', beforeJob),
      )
      .where('outcome', 'in', ['answered', 'clarified', 'declined']);
    const rows = await answered
      .select(['message', 'reply', 'created_at'])
      .select(answered.select(({ fn }) => fn.countAll<number>().as('count')).as('count'))
      .orderBy('num', 'desc')
      .limit(exchangesMax)
      .execute();
    return rows
      .flatMap(({ message, reply, created_at, count }, back) =>
        created_at < since
          ? []
          : [{ position: (count ?? 0) - 1 - back, message, reply: reply ?? '' }],
      )
      .toReversed();
  }

  /** Removes jobs that ended before `endedBefore` (epoch ms), with all their rows. Resolves with their number. */
  async prune(endedBefore: number): Promise<number> {
    const { connection } = this.#database;
    const old = connection.prepare<[number, number], { num: number; id: string }>(
      'select num, id from job where ended_at < ? limit ?',
    );
    const removals = ['journal where job', 'job where num'].map((what) =>
      connection.prepare(`delete from ${what} = ?`),
    );
    const ofId = ['delivery', 'submission'].map((table) =>
      connection.prepare(`delete from ${table} where job_id = ?`),
    );
    // Synchronous as a whole: no write of the journal can get into the same transaction.
    const removeBatch = connection.transaction(() => {
      const jobs = old.all(endedBefore, pruneBatch);
      for (const { num, id } of jobs) {
        for (const remove of ofId) remove.run(id);
        for (const remove of removals) remove.run(num);
      }
      return jobs.length;
    });
    let removed = 0;
    for (;;) {
      const count = removeBatch();
      removed += count;
      if (count < pruneBatch) break;
      await yieldToEventLoop();
    }
    await this.#pruneLateReports(endedBefore);
    return removed;
  }

  /** A report can arrive after its job was removed: from a bridge that was offline for long. */
  async #pruneLateReports(before: number): Promise<void> {
    const { connection } = this.#database;
    const old = connection.prepare<[number, number, string, number], DeliveryCursor>(`
      select at, reply_id, not exists (select 1 from job where id = delivery.job_id) as is_late
        from delivery where at < ? and (at, reply_id) > (?, ?) order by at, reply_id limit ?`);
    const remove = connection.prepare('delete from delivery where reply_id = ?');
    const removeLate = connection.transaction((after: DeliveryCursor) => {
      const reports = old.all(before, after.at, after.reply_id, pruneBatch);
      for (const { reply_id, is_late } of reports) if (is_late === 1) remove.run(reply_id);
      return reports;
    });
    // The cursor passes the reports of kept jobs once, and does not start from the first again.
    let last: DeliveryCursor = { at: 0, reply_id: '', is_late: 0 };
    for (;;) {
      const reports = removeLate(last);
      if (reports.length < pruneBatch) return;
      last = reports.at(-1)!;
      await yieldToEventLoop();
    }
  }
}

type ScannedJob = Pick<JobListing, 'num' | 'state' | 'outcome' | 'user_id' | 'channel'>;

interface DeliveryCursor {
  at: number;
  reply_id: string;
  /** 1: its job was removed. */
  is_late: number;
}

/** Null while the job is open. */
const outcomeOf = ({ state, outcome }: ScannedJob): string | null =>
  state === 'cancelled' ? state : outcome;
