/** One row of the job list, and how an event changes it. */
import { h, written } from './dom.js';
import { asksPerson, duration, queueName, tone } from './format.js';

/** A job built from its first known event. */
export const jobOf = (event) => ({
  job_id: event.job_id,
  user_id: event.user_id,
  channel: event.channel,
  message: event.data.text ?? '',
  outcome: null,
  created_at: event.at,
});

export const changesOf = ({ type, state, seq, at, data }) => ({
  state,
  seq,
  updated_at: at,
  queue: type === 'processing' ? (data.queue ?? null) : null,
  ...(type === 'done' ? { outcome: data.outcome } : {}),
});

/** Whether a new job matches the filter. */
export function fits(job, filter) {
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
export function isOfKind(job, { state, outcome }) {
  const end = job.state === 'cancelled' ? 'cancelled' : job.outcome;
  return (state === '' || state === job.state) && (outcome === '' || outcome === end);
}

/**
 * Whether an event of a job that is not in the list may make it match the filter. Of a job's texts only the answer
 * changes.
 */
export const mayFit = ({ type, state, user_id: user }, filter) =>
  (filter.user_id === '' || filter.user_id === user) &&
  (filter.state === '' || filter.state === state) &&
  ((filter.q === '' && filter.outcome === '') || type === 'done' || type === 'cancelled');

function waits(job) {
  if (asksPerson(job.state)) return 'waits for yes or no';
  return job.queue ? `${queueName(job.state)}, place ${job.queue.position}` : '';
}

/** Deliveries that may not have reached the chat. */
const deliveryWords = { dead: 'not delivered', uncertain: 'delivery uncertain' };

export function rowOf(job, isSelected) {
  const at = Date.parse(job.created_at);
  const waiting = waits(job);
  const age = h(
    'time',
    { datetime: job.created_at, title: new Date(at).toLocaleString() },
    duration(Date.now() - at),
  );
  return h(
    'li',
    { 'data-id': job.job_id },
    h(
      'a',
      {
        href: `#/jobs/${job.job_id}`,
        'aria-current': isSelected ? 'true' : null,
        tabindex: -1,
      },
      h('span', { class: 'row-message', dir: 'auto' }, job.message),
      h(
        'span',
        { class: 'row-facts' },
        h('span', { class: `pill ${tone(job.state, job.outcome)}` }, job.outcome ?? job.state),
        h('span', { class: 'row-user' }, written(job.user_id), ` · ${job.channel}`),
        waiting === '' ? null : h('span', { class: 'row-waits' }, waiting),
        job.delivery ? h('span', { class: 'pill bad' }, deliveryWords[job.delivery]) : null,
        age,
      ),
    ),
  );
}
