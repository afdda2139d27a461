/** What stands above a job's chart: the message, where the job is, whether it replays, what can be done. */
import { h } from './dom.js';
import { duration, moment, stateName, tone, topLevel } from './format.js';

/** @param {{ job: any, frames: any[], queue: any, check: any }} shown @param {(verb: string) => void} tell */
export function headOf({ job, frames, queue, check }, tell) {
  const last = frames.at(-1);
  const value = last?.value ?? 'ack';
  const state = topLevel(value);
  const outcome = latest(frames, 'outcome');
  const isOpen = last !== undefined && !last.isEnded;
  const age = duration((isOpen ? Date.now() : (last?.at ?? job.createdAt)) - job.createdAt);
  return [
    h('a', { class: 'to-list', href: '#/jobs' }, '‹ Jobs'),
    h('h2', {}, job.input.message),
    h(
      'p',
      { class: 'job-facts' },
      h(
        'span',
        { class: `pill ${tone(state, outcome)}`, 'data-state': state },
        outcome ?? stateName(value),
      ),
      h('span', {}, `${job.input.userId} · ${job.input.channel}`),
      h('span', { title: moment(job.createdAt) }, isOpen ? `open for ${age}` : `took ${age}`),
      queue === null ? null : h('span', { class: 'row-waits' }, placeOf(queue)),
      h('code', {}, job.jobId),
      check === null ? null : checkMark(check),
    ),
    h('div', { class: 'job-actions' }, ...(isOpen ? actions(last, tell) : [])),
  ];
}

const latest = (frames, key) =>
  frames.flatMap(({ changed }) => changed).findLast((change) => change.key === key)?.after ?? null;

const placeOf = ({ position, etaMs }) =>
  `place ${position} in the queue${etaMs === null ? '' : `, about ${duration(etaMs)}`}`;

function checkMark({ ok, rows, differs, reworded }) {
  if (ok) {
    const same = 'Running the stored rows again gave the stored state, equal in every field';
    const title =
      reworded.length === 0
        ? same
        : `${same} but for sentences: this version words rows ${reworded.join(', ')} otherwise`;
    const words = reworded.length === 0 ? '' : `, ${reworded.length} in other words`;
    return h(
      'span',
      { class: 'check good', 'data-check': 'ok', title },
      `✓ replays (${rows} rows${words})`,
    );
  }
  return h(
    'span',
    { class: 'check bad', 'data-check': 'differs', role: 'alert' },
    `✗ does not replay: ${differs.join(', ')}`,
  );
}

function actions(last, tell) {
  const button = (verb, label, kind) =>
    h('button', { type: 'button', class: kind, onclick: () => tell(verb) }, label);
  const asks = last.tags.includes('waits-for-person');
  return [
    asks && button('confirm', 'Confirm the draft', 'primary'),
    asks && button('reject', 'Reject the draft', ''),
    button('cancel', 'Cancel the job', 'danger'),
  ];
}
