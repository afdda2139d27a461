/** One row of the job list, and how an event changes it. */
import type { StateEvent } from '#shared/wire/state-event';
import { ui, written } from '#shared/page/ui';
import type { FoundJobs } from '../page-messages.ts';
import { asksPerson, moment, queueName, tone } from './format.ts';
import type { JobFilter } from './job-filters.ts';

type FoundJob = FoundJobs['jobs'][number];

/** A job of the list: a found job, or one whose events are all that the page knows. */
export type Job = Pick<
  FoundJob,
  | 'job_id'
  | 'user_id'
  | 'channel'
  | 'message'
  | 'outcome'
  | 'created_at'
  | 'state'
  | 'seq'
  | 'queue'
> &
  Partial<FoundJob>;

/** A job built from its first known event. */
export const jobOf = (event: StateEvent) => ({
  job_id: event.job_id,
  user_id: event.user_id,
  channel: event.channel,
  message: String(event.data['text'] ?? ''),
  outcome: null,
  created_at: event.at,
});

export const changesOf = ({ type, state, seq, at, data }: StateEvent) => ({
  state,
  seq,
  updated_at: at,
  queue: type === 'processing' ? ((data['queue'] ?? null) as Job['queue']) : null,
  ...(type === 'done' ? { outcome: data['outcome'] as Job['outcome'] } : {}),
});

/** Whether a new job matches the filter. */
export function fits(job: Job, filter: JobFilter): boolean {
  const { q, user_id: user, until } = filter;
  const text = `${job.job_id} ${job.user_id} ${job.channel} ${job.message}`.toLowerCase();
  const hasWords = q
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
  const isEarly = until === '' || Date.parse(job.created_at) <= until;
  return hasWords && isEarly && (user === '' || user === job.user_id) && isOfKind(job, filter);
}

/** Whether state and outcome match the filter. A cancelled job has no outcome of its own. */
export function isOfKind(job: Job, { state, outcome }: JobFilter): boolean {
  const end = job.state === 'cancelled' ? 'cancelled' : job.outcome;
  return (state === '' || state === job.state) && (outcome === '' || outcome === end);
}

/**
 * Whether an event of a job that is not in the list may make it match the filter. Of a job's texts only the answer
 * changes.
 */
export const mayFit = ({ type, state, user_id: user }: StateEvent, filter: JobFilter): boolean =>
  (filter.user_id === '' || filter.user_id === user) &&
  (filter.state === '' || filter.state === state) &&
  ((filter.q === '' && filter.outcome === '') || type === 'done' || type === 'cancelled');

function waits(job: Job): string {
  if (asksPerson(job.state)) return 'waits for yes or no';
  return job.queue ? `${queueName(job.state)}, place ${job.queue.position}` : '';
}

/** Deliveries that may not have reached the chat. */
const deliveryWords = { dead: 'not delivered', uncertain: 'delivery uncertain' };

/** @param age time since the job was accepted */
export function rowOf(job: Job, age: string, isSelected: boolean, isReachable: boolean) {
  const { job_id: id, state, outcome, created_at: at, delivery } = job;
  const waiting = waits(job);
  return ui`<li data-id=${id}>
    <a href="#/jobs/${id}" aria-current=${isSelected ? 'true' : null} tabindex=${isReachable ? 0 : -1}>
      <span class="row-message" dir="auto">${job.message}</span>
      <span class="row-facts">
        <span class="pill ${tone(state, outcome)}">${outcome ?? state}</span>
        <span class="row-user">${written(job.user_id)} · ${job.channel}</span>
        ${waiting !== '' && ui`<span class="row-waits">${waiting}</span>`}
        ${delivery && ui`<span class="pill bad">${deliveryWords[delivery]}</span>`}
        <time datetime=${at} title=${moment(at)}>${age}</time>
      </span>
    </a>
  </li>`;
}
