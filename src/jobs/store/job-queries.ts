/**
 * Queries of jobs for listings and APIs, the same on both databases. Not on the hot path: typed queries, each some tens of
 * microseconds slower than a prepared statement.
 */
import {
  sql,
  type CompiledQuery,
  type ExpressionBuilder,
  type Kysely,
  type Selectable,
} from 'kysely';
import { finalStates } from '#machines/job-states';
import type { AskedMessage } from '#language/schedules/answered-question';
import type { JobEmitted } from '#machines/job-types';
import { stateEventsOf, type StateEvent } from '#shared/wire/state-event';
import type { Database } from '#storage/database';
import type { JobTable, Schema } from '#storage/schema';
import { topLevelState } from '#storage/state-value';
import { pruneJobs } from './job-prune.ts';

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

/** What a database adds to the queries. */
export interface JobQuerySource {
  query: Kysely<Schema>;
  /** Runs a query that changes nothing. */
  read: <Row>(query: JobQuery<Row>) => Promise<Row[]>;
  prune: JobQueries['prune'];
}

export interface JobQuery<Row> {
  compile(): CompiledQuery<Row>;
  execute(): Promise<Row[]>;
}

export const createJobQueries = (database: Database): JobQueries =>
  new JobQueries({
    query: database.query,
    read: (query) => query.execute(),
    prune: (endedBefore) => pruneJobs(database, endedBefore),
  });

export class JobQueries {
  readonly #query: JobQuerySource['query'];
  readonly #read: JobQuerySource['read'];
  /** Removes jobs that ended before a time (epoch ms), with all their rows. Resolves with their number. */
  readonly prune: (endedBefore: number) => Promise<number>;

  constructor({ query, read, prune }: JobQuerySource) {
    this.#query = query;
    this.#read = read;
    this.prune = prune;
  }

  async find(jobId: string): Promise<JobListing | null> {
    const [row] = await this.#read(
      this.#query
        .selectFrom('job_now')
        .select(listed)
        .select(['message', 'reply'])
        .select(worstDelivery)
        .where('id', '=', jobId),
    );
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

  /** The people with jobs, each with the number of the newest one. Two looks into an index for each, in one statement. */
  people(limit: number): Promise<PersonWithJobs[]> {
    const query = sql<PersonWithJobs>`
      with recursive person (user_id) as (
        select min(user_id) from job
        union all
        select (select min(user_id) from job where user_id > person.user_id)
          from person where person.user_id is not null)
      select user_id, (select max(num) from job where job.user_id = person.user_id) as newest
        from person where user_id is not null limit ${limit}`;
    return this.#read({
      compile: () => query.compile(this.#query),
      execute: async () => (await query.execute(this.#query)).rows,
    });
  }

  /** Where the last jobs of a person after the job `after` came from, newest first; not those that a schedule has opened. */
  writtenIn(userId: string, after: number, limit: number): Promise<WrittenIn[]> {
    return this.#read(
      this.#query
        .selectFrom('job')
        .select(['num', 'channel', 'conversation'])
        .where('user_id', '=', userId)
        .where('num', '>', after)
        // The quotes of a message are escaped in JSON: it cannot have this key.
        .where('input', 'not like', '%"scheduled":%')
        .orderBy('num', 'desc')
        .limit(limit),
    );
  }

  #listed(hits: ScannedJob[], { state, textMax }: JobListFilter): Promise<JobListing[]> {
    // `substr` needs a length: the largest one means the whole text.
    const most = textMax ?? 2 ** 31 - 1;
    const numbers = hits.map(({ num }) => num);
    return this.#read(
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
        .orderBy('num', 'desc'),
    );
  }

  /** The newest jobs, filtered only by what an index serves: every row that is read counts as scanned. */
  #scan(filter: JobListFilter, lookedMax: number): Promise<ScannedJob[]> {
    const { state, outcome, userId, channel, before, limit } = filter;
    const isByIndex = [state, outcome, channel].every((one) => one === undefined);
    const isOpen = state !== undefined && !endedStates.includes(state);
    return this.#read(
      this.#query
        .selectFrom('job_now')
        .select(['num', 'state', 'outcome', 'user_id', 'channel'])
        .$if(isOpen, (select) => select.where('ended_at', 'is', null))
        .$if(!isOpen && userId !== undefined, (select) => select.where('user_id', '=', userId!))
        .$if(before !== undefined, (select) => select.where('num', '<', before!))
        .orderBy('num', 'desc')
        .limit(isByIndex ? limit : lookedMax),
    );
  }

  /** State events in order of `seq`, grouped by their journal rows; at most `limit` rows. */
  async eventRows(job: JobListing, from: EventCursor, limit: number): Promise<EventRow[]> {
    const afterSeq = 'afterSeq' in from ? from.afterSeq : 0;
    const afterN = 'afterN' in from ? from.afterN : await this.#rowBefore(job.num, afterSeq);
    const rows = await this.#read(
      this.#query
        .selectFrom('journal')
        .select(['n', 'seq', 'at', 'emitted'])
        .where('job', '=', job.num)
        .where('n', '>', afterN)
        .orderBy('n')
        .limit(limit),
    );
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
    const [row] = await this.#read(
      this.#query
        .selectFrom('journal')
        .select('n')
        .where('job', '=', num)
        .where('seq', '<=', seq)
        .where('emitted', '<>', sql.lit('[]'))
        .orderBy('n', 'desc')
        .limit(sql.lit(1)),
    );
    // This row holds `seq` itself, and may hold events after it.
    return (row?.n ?? 1) - 1;
  }

  /** When each state was entered: `[state, epoch ms]`, in order. */
  async path(num: number): Promise<[state: string, at: number][]> {
    const rows = await this.#read(
      this.#query.selectFrom('journal').select(['at', 'value']).where('job', '=', num).orderBy('n'),
    );
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
      .where('num', '<', numOf(beforeJob))
      .where('outcome', 'in', ['answered', 'clarified', 'declined']);
    const rows = await this.#read(
      answered
        .select(['message', 'reply', 'created_at'])
        .select(answered.select(({ fn }) => fn.countAll<number>().as('count')).as('count'))
        .orderBy('num', 'desc')
        .limit(exchangesMax),
    );
    return rows
      .flatMap(({ message, reply, created_at, count }, back) =>
        created_at < since
          ? []
          : [{ position: (count ?? 0) - 1 - back, message, reply: reply ?? '' }],
      )
      .toReversed();
  }

  /**
   * The messages right before the job, at most three, each answered with a question and ended since `since` (epoch ms);
   * oldest first. Empty if the last message was answered otherwise.
   */
  async asked(conversation: string, beforeJob: string, since: number): Promise<AskedMessage[]> {
    const rows = await this.#read(
      this.#query
        .selectFrom('job')
        .select(['message', 'outcome', 'created_at', 'ended_at'])
        .where('conversation', '=', conversation)
        .where('num', '<', numOf(beforeJob))
        .orderBy('num', 'desc')
        .limit(askedMax),
    );
    const other = rows.findIndex(
      ({ outcome, ended_at }) => outcome !== 'clarified' || (ended_at ?? 0) < since,
    );
    return rows
      .slice(0, other === -1 ? rows.length : other)
      .map(({ message, created_at: at }) => ({ message, at }))
      .toReversed();
  }
}

/** Of a job that is not stored yet, as in the batch that opens it: higher than all stored ones. */
const numOf =
  (jobId: string) =>
  ({ selectFrom, fn, lit }: ExpressionBuilder<Schema, 'job'>) =>
    fn.coalesce(
      selectFrom('job').select('num').where('id', '=', jobId),
      lit(Number.MAX_SAFE_INTEGER),
    );

/** Questions in a row about one request. */
const askedMax = 3;

export interface PersonWithJobs {
  user_id: string;
  /** `num`. */
  newest: number;
}

export interface WrittenIn {
  num: number;
  channel: string;
  conversation: string;
}

type ScannedJob = Pick<JobListing, 'num' | 'state' | 'outcome' | 'user_id' | 'channel'>;

/** Null while the job is open. */
const outcomeOf = ({ state, outcome }: ScannedJob): string | null =>
  state === 'cancelled' ? state : outcome;
