/** The head above a job's chart: the message, the job's state, the result of the replay check, the actions. */
import { h, written } from './dom.js';
import { duration, moment, queueName, stateName, tone, topLevel } from './format.js';

/**
 * @param {{ job: any, frames: any[], queue: any, check: any }} shown
 * @param {{ tell(verb: string): void, sendAgain(): void, download(): void }} actions
 */
export function headOf({ job, frames, queue, check }, actions) {
  const last = frames.at(-1);
  const value = last?.value ?? 'ack';
  const state = topLevel(value);
  const outcome = latest(frames, 'outcome');
  const isOpen = last !== undefined && !last.isEnded;
  const age = duration((isOpen ? Date.now() : (last?.at ?? job.createdAt)) - job.createdAt);
  return [
    h('a', { class: 'to-list', href: '#/jobs' }, '‹ Jobs'),
    h('h2', { dir: 'auto' }, job.input.message),
    h(
      'p',
      { class: 'job-facts' },
      h(
        'span',
        { class: `pill ${tone(state, outcome)}`, 'data-state': state },
        outcome ?? stateName(value),
      ),
      h('span', {}, written(job.input.userId), ` · ${job.input.channel}`),
      h('span', { title: moment(job.createdAt) }, isOpen ? `open for ${age}` : `took ${age}`),
      queue === null ? null : h('span', { class: 'row-waits' }, placeOf(queue, state)),
      h('code', {}, job.jobId),
      check === null ? null : checkMark(check),
    ),
    h('div', { class: 'job-actions' }, ...buttonsOf(last, isOpen, actions)),
  ];
}

/** One word for the job's state or outcome. @param {any[]} frames */
export const stateWord = (frames) =>
  latest(frames, 'outcome') ?? topLevel(frames.at(-1)?.value ?? '');

const latest = (frames, key) =>
  frames.flatMap(({ changed }) => changed).findLast((change) => change.key === key)?.after ?? null;

const placeOf = ({ position, etaMs }, state) =>
  `${queueName(state)}, place ${position}${etaMs === null ? '' : `, about ${duration(etaMs)}`}`;

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

function buttonsOf(last, isOpen, { tell, sendAgain, download }) {
  if (last === undefined) return [];
  const button = (label, kind, onclick, title) =>
    h('button', { type: 'button', class: kind, title, onclick }, label);
  const asks = isOpen && last.tags.includes('waits-for-person');
  return [
    asks && button('Confirm the draft', 'primary', () => tell('confirm')),
    asks && button('Reject the draft', '', () => tell('reject')),
    isOpen && button('Cancel the job', 'danger', () => tell('cancel')),
    !isOpen &&
      button('Send again', '', sendAgain, 'The same message of the same user, as a new job'),
    button('Download', '', download, 'Every step of the journal that is shown here, as JSON'),
  ];
}
