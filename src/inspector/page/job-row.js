/** One row of the job list, and what an event changes of it. */
import { h } from './dom.js';
import { duration, tone } from './format.js';

/** A job that was unknown until this event. */
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

/** Whether a job that has just come belongs to what is looked for. */
export function fits(job, { q, state, user_id: user }) {
  const text = `${job.job_id} ${job.user_id} ${job.channel} ${job.message}`.toLowerCase();
  const hasWords = q
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
  return hasWords && (user === '' || user === job.user_id) && (state === '' || state === job.state);
}

/** Whether an event may bring a job into the list that is not there. Of its texts only the answer changes. */
export const mayFit = ({ type, state, user_id: user }, filter) =>
  (filter.user_id === '' || filter.user_id === user) &&
  (filter.state === '' || filter.state === state) &&
  (filter.q === '' || type === 'done' || type === 'cancelled');

function waits(job) {
  if (job.state === 'confirm-draft') return 'waits for yes or no';
  return job.queue ? `place ${job.queue.position} in the queue` : '';
}

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
      { href: `#/jobs/${job.job_id}`, 'aria-current': isSelected ? 'true' : null },
      h('span', { class: 'row-message' }, job.message),
      h(
        'span',
        { class: 'row-facts' },
        h('span', { class: `pill ${tone(job.state, job.outcome)}` }, job.outcome ?? job.state),
        h('span', { class: 'row-user' }, `${job.user_id} · ${job.channel}`),
        waiting === '' ? null : h('span', { class: 'row-waits' }, waiting),
        age,
      ),
    ),
  );
}
