/**
 * Reads of jobs for people and programs, and the removal of what is too old. Not on the hot path: typed
 * queries, each a few tens of microseconds dearer than a prepared statement.
 */
import { sql } from 'kysely';
import type { JobEmitted } from '../../machines/job-types.ts';
import { stateEventsOf, type StateEvent } from '../contract/state-event.ts';
import { othersTurn } from '../lib/others-turn.ts';
import type { Database } from './database.ts';

export interface JobListing {
  num: number;
  id: string;
  user_id: string;
  channel: string;
  conversation: string;
  message: string;
  state: string;
  outcome: string | null;
  reply: string | null;
  seq: number;
  created_at: number;
  updated_at: number;
  ended_at: number | null;
  /** The worst that became of a reply in its chat; null where all is well, or nobody has reported. */
  delivery: 'uncertain' | 'dead' | null;
}

export interface Turn {
  role: 'user' | 'assistant';
  content: string;
}

export interface ListFilter {
  state?: string | undefined;
  /** How it has ended; `cancelled` for a cancelled job, which has no outcome of its own. */
  outcome?: string | undefined;
  userId?: string | undefined;
  channel?: string | undefined;
  /** Only jobs accepted before the one with this number. */
  before?: number | undefined;
  limit: number;
  /** Characters of message and reply, at most; left out: all. */
  textMax?: number;
  /** Jobs that are looked at, at most. Default 1,000. */
  lookedMax?: number;
}

export interface ListedJobs {
  jobs: JobListing[];
  /** Jobs that were looked at for them. */
  looked: number;
  /** `before` of the next page; null where there is none. */
  before: number | null;
}

/** A message and its answer. */
export interface Exchange {
  /** Counts the exchanges of the conversation from 0, as far as they are still kept. */
  place: number;
  message: string;
  reply: string;
}

/** Events after a `seq`, or behind a row of the journal. */
export type EventPlace = { afterSeq: number } | { afterN: number };

export interface EventRow {
  n: number;
  events: StateEvent[];
}

export interface JobQueries {
  find(jobId: string): Promise<JobListing | null>;
  /** Newest first. Looks at a bounded number of jobs: a page of a rare state may be short, or empty, and go on. */
  list(filter: ListFilter): Promise<ListedJobs>;
  /** State events in order of `seq`, by the rows of the journal that told them; at most `limit` rows. */
  eventRows(job: JobListing, from: EventPlace, limit: number): Promise<EventRow[]>;
  /** When each state was entered: `[state, epoch ms]`, in order. */
  path(num: number): Promise<[state: string, at: number][]>;
  /** The last exchanges of the conversation before the job, oldest first. Failed answers are not part of it. */
  history(
    conversation: string,
    beforeJob: string,
    exchangesMax: number,
    since: number,
  ): Promise<Exchange[]>;
  /** Removes jobs that ended before `endedBefore`, with all their rows. Returns how many. */
  prune(endedBefore: number): Promise<number>;
}

/** Rows that one transaction of a prune looks at: more would hold up the commits of running jobs. */
const pruneBatch = 200;

/**
 * Jobs that one list looks at, in a few milliseconds on the thread that commits. Fewer make more requests of a search
 * for a rare state; more hold up everybody for one reader.
 */
const lookedAtMax = 1_000;

/** All other states are those of open jobs, which are few and have an index of their own. */
const endedStates = ['done', 'cancelled'];

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

/** `dead` is less than `uncertain`, and worse. */
const worstDelivery = sql<'uncertain' | 'dead' | null>`(
  select min(status) from delivery where delivery.job_id = job_now.id and status <> 'sent'
)`.as('delivery');

export function createJobQueries(database: Database): JobQueries {
  return new Queries(database);
}

class Queries implements JobQueries {
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

  async list(filter: ListFilter): Promise<ListedJobs> {
    const { state, outcome, userId, channel, limit } = filter;
    const lookedMax = filter.lookedMax ?? lookedAtMax;
    const seen = await this.#lookAt(filter, lookedMax);
    const hits = seen
      .filter((job) => state === undefined || job.state === state)
      .filter((job) => outcome === undefined || endOf(job) === outcome)
      .filter((job) => userId === undefined || job.user_id === userId)
      .filter((job) => channel === undefined || job.channel === channel)
      .slice(0, limit);
    const jobs = hits.length === 0 ? [] : await this.#listed(hits, filter);
    const last = hits.length === limit ? hits.at(-1) : seen[lookedMax - 1];
    const looked = last === undefined ? seen.length : seen.indexOf(last) + 1;
    return { jobs, looked, before: last?.num ?? null };
  }

  #listed(hits: LookedAtJob[], { state, textMax }: ListFilter): Promise<JobListing[]> {
    // The length that means "all of it" to `substr` is any that is long enough.
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
        // It may have moved on since.
        .$if(state !== undefined, (select) => select.where('state', '=', state!))
        .orderBy('num', 'desc')
        .execute()
    );
  }

  /** The newest jobs by what an index serves, so that the rows that are read are those that are counted. */
  #lookAt(filter: ListFilter, lookedMax: number): Promise<LookedAtJob[]> {
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

  async eventRows(job: JobListing, from: EventPlace, limit: number): Promise<EventRow[]> {
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

  /** The row before the one that told the event after `seq`. Rows that told nothing may lie between. */
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
    // This row told `seq` itself, and may have told what comes after it.
    return (row?.n ?? 1) - 1;
  }

  async path(num: number): Promise<[state: string, at: number][]> {
    const rows = await this.#query
      .selectFrom('journal')
      .select(['at', 'value'])
      .where('job', '=', num)
      .orderBy('n')
      .execute();
    const path: [string, number][] = [];
    for (const row of rows) {
      const state = topLevel(JSON.parse(row.value) as string | Record<string, unknown>);
      if (path.at(-1)?.[0] !== state) path.push([state, row.at]);
    }
    return path;
  }

  async history(
    conversation: string,
    beforeJob: string,
    exchangesMax: number,
    since: number,
  ): Promise<Exchange[]> {
    if (exchangesMax === 0) return [];
    const said = this.#query
      .selectFrom('job')
      .where('conversation', '=', conversation)
      .where('num', '<', (inner) =>
        inner.selectFrom('job').select('num').where('id', '=', beforeJob),
      )
      .where('outcome', 'in', ['answered', 'clarified', 'declined']);
    const rows = await said
      .select(['message', 'reply', 'created_at'])
      .select(said.select(({ fn }) => fn.countAll<number>().as('count')).as('count'))
      .orderBy('num', 'desc')
      .limit(exchangesMax)
      .execute();
    return rows
      .flatMap(({ message, reply, created_at, count }, back) =>
        created_at < since ? [] : [{ place: (count ?? 0) - 1 - back, message, reply: reply ?? '' }],
      )
      .toReversed();
  }

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
    // Synchronous as a whole: nothing of the journal can get into the same transaction.
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
      await othersTurn();
    }
    await this.#pruneLateReports(endedBefore);
    return removed;
  }

  /** Reports can come after their job was removed: of a bridge that had been away for long. */
  async #pruneLateReports(before: number): Promise<void> {
    const { connection } = this.#database;
    const old = connection.prepare<[number, number, string, number], DeliveryPlace>(`
      select at, reply_id, not exists (select 1 from job where id = delivery.job_id) as is_late
        from delivery where at < ? and (at, reply_id) > (?, ?) order by at, reply_id limit ?`);
    const remove = connection.prepare('delete from delivery where reply_id = ?');
    const removeLate = connection.transaction((after: DeliveryPlace) => {
      const reports = old.all(before, after.at, after.reply_id, pruneBatch);
      for (const { reply_id, is_late } of reports) if (is_late === 1) remove.run(reply_id);
      return reports;
    });
    // Those of jobs that are kept are passed once: from one to the next, not from the first again.
    let last: DeliveryPlace = { at: 0, reply_id: '', is_late: 0 };
    for (;;) {
      const reports = removeLate(last);
      if (reports.length < pruneBatch) return;
      last = reports.at(-1)!;
      await othersTurn();
    }
  }
}

type LookedAtJob = Pick<JobListing, 'num' | 'state' | 'outcome' | 'user_id' | 'channel'>;

interface DeliveryPlace {
  at: number;
  reply_id: string;
  /** 1: its job is gone. */
  is_late: number;
}

/** Null while it is open. */
const endOf = ({ state, outcome }: LookedAtJob): string | null =>
  state === 'cancelled' ? state : outcome;

const topLevel = (value: string | Record<string, unknown>): string =>
  typeof value === 'string' ? value : (Object.keys(value)[0] ?? '');
