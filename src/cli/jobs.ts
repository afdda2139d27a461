/** `gatehouse jobs`, `jobs show ID`, `jobs cancel ID`. */
import { remedies } from '#shared/error-remedies';
import type { ErrorCode } from '#shared/errors';
import { jobStates } from '#machines/job-types';
import { listLimitMax, listQuery, type JobPage } from '#shared/wire/job-service';
import type { StateEvent } from '#shared/wire/state-event';
import type { CoreClient } from '#http/client/core-client';
import { printList, localTime } from './printed-list.ts';
import {
  isDocumentEvent,
  isMemoryEvent,
  isScheduleEvent,
  subjectOfEvent,
  type OutgoingEvent,
} from '#shared/wire/document-event';
import { documentSummary } from './drafts.ts';
import { dataSummary } from './schedules.ts';
import { untilInterrupted } from './terminal.ts';

/** The query of `GET /jobs` for a value of `--state`: a state, or else an outcome. */
export const stateQuery = (word: string): Record<string, string> =>
  (jobStates as readonly string[]).includes(word) ? { state: word } : { outcome: word };

export async function listJobs(
  client: CoreClient,
  query: Record<string, string>,
  json: boolean,
): Promise<void> {
  const page = await listUpTo(client, query);
  printList(page, page.jobs, {
    json,
    none: 'no jobs',
    line(job) {
      const result = (job.outcome ?? job.state).padEnd(13);
      const text = job.message.replaceAll(/\s+/g, ' ').slice(0, 60);
      const mark = job.delivery === null ? '' : `  (reply ${job.delivery})`;
      return `${job.job_id}  ${localTime(job.created_at)}  ${result} ${job.user_id.padEnd(12)} ${text}${mark}`;
    },
  });
}

/**
 * `limit` jobs, or all if there are fewer. A page of the core may be short: it is bounded in bytes, and a search for a
 * rare state takes several pages, of which the first may be empty.
 */
async function listUpTo(client: CoreClient, query: Record<string, string>): Promise<JobPage> {
  const limit = Number(query['limit'] ?? listQuery.parse({}).limit);
  const upTo = (count: number) => ({ limit: String(Math.min(count, listLimitMax)) });
  let page = await client.jobs({ ...query, ...upTo(limit) });
  while (page.jobs.length < limit && page.next_cursor !== null) {
    const rest = { ...upTo(limit - page.jobs.length), cursor: page.next_cursor };
    const next = await client.jobs({ ...query, ...rest });
    page = { ...next, jobs: [...page.jobs, ...next.jobs], looked: page.looked + next.looked };
  }
  return page;
}

export async function showJob(client: CoreClient, jobId: string, json: boolean): Promise<void> {
  const job = await client.job(jobId);
  const events = await client.events(jobId);
  if (json) return console.log(JSON.stringify({ ...job, events }));
  console.log(
    `${job.job_id}  ${job.outcome ?? job.state}  user ${job.user_id}  channel ${job.channel}`,
  );
  console.log(`> ${job.message}`);
  console.log(`accepted ${localTime(job.created_at)}`);
  const start = events[0] === undefined ? 0 : Date.parse(events[0].at);
  for (const event of events) {
    const after = ((Date.parse(event.at) - start) / 1000).toFixed(3).padStart(9);
    console.log(
      `${after} s  ${String(event.seq).padStart(3)}  ${event.type.padEnd(10)} ${summaryOf(event)}`,
    );
  }
  const times = Object.entries(job.timings).map(([state, ms]) => `${state} ${ms} ms`);
  console.log(`times: ${times.join(', ')}`);
  if (job.queue !== null) console.log(`waits: place ${job.queue.position}`);
  for (const { reply_id, status, parts, error } of job.deliveries) {
    const why = error === null ? '' : `: ${error}`;
    console.log(`reply ${reply_id}: ${status}, ${parts} ${parts === 1 ? 'post' : 'posts'}${why}`);
  }
  for (const code of new Set(events.map(({ data }) => String(data['code'] ?? '')))) {
    if (code in remedies) console.log(`what to do: ${remedies[code as ErrorCode]} (${code})`);
  }
  if (job.reply !== null) console.log(`\n${job.reply}`);
}

/** A summary of an event in one line. */
export function summaryOf({ type, data }: StateEvent): string {
  if (type === 'state') {
    const reason = data['reason'] === undefined ? '' : ` (${String(data['reason'])})`;
    return `${String(data['from'])} → ${String(data['to'])}${reason}`;
  }
  if (type === 'error') return causeOf(data);
  const text = data['outcome'] ?? data['message'] ?? data['content'] ?? data['by'] ?? '';
  return String(text).replaceAll(/\s+/g, ' ').slice(0, 80);
}

/** The code and the server's message; up to 240 characters, more than other lines have. */
const causeOf = (data: StateEvent['data']): string =>
  [data['code'], data['error_detail'] ?? data['error_reason'] ?? data['message']]
    .filter((part) => part !== undefined)
    .map((part) => String(part).replaceAll(/\s+/g, ' '))
    .join('  ')
    .slice(0, 240);

export async function cancelJob(client: CoreClient, jobId: string, json: boolean): Promise<void> {
  await client.controlJob(jobId, 'cancel');
  console.log(json ? JSON.stringify({ job_id: jobId }) : `cancelled ${jobId}`);
}

export interface TailOptions {
  client: CoreClient;
  /** Only this job, until its end; else all jobs, until Ctrl-C. */
  jobId: string | undefined;
  /**
   * Prints the events after this `seq` of the job, or without a job after this position of the journal. Null: the whole
   * history of the job, or without a job only new events.
   */
  from: number | null;
  json: boolean;
}

export function tail({ client, jobId, from, json }: TailOptions): Promise<void> {
  const print = (event: OutgoingEvent, position: number | null): void =>
    console.log(
      json
        ? JSON.stringify(position === null ? event : { ...event, position })
        : `${String(position ?? '').padStart(8)}  ${lineOf(event)}`,
    );
  const lost = (): void => console.error('the connection was lost; it is tried again');
  return untilInterrupted(async (signal) => {
    if (jobId === undefined) return client.followAll(from, print, signal, lost);
    // Reports an unknown job or a missing core at once.
    await client.job(jobId);
    const event = (one: StateEvent): void =>
      one.seq > (from ?? 0) ? console.log(json ? JSON.stringify(one) : lineOf(one)) : undefined;
    return client.follow(jobId, { event, token: () => undefined, lost }, signal);
  });
}

function lineOf(event: OutgoingEvent): string {
  return `${localTime(event.at)}  ${subjectOfEvent(event).id}  ${String(event.seq).padStart(3)}  ${event.type.padEnd(10)} ${anySummary(event)}`;
}

function anySummary(event: OutgoingEvent): string {
  if (isDocumentEvent(event)) return documentSummary(event);
  return isScheduleEvent(event) || isMemoryEvent(event) ? dataSummary(event) : summaryOf(event);
}
