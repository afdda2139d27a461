/** The head above a job's chart: the message, the job's state, the result of the replay check, the actions. */
import type { QueuePosition } from '#machines/job-types';
import { ui, written } from '#shared/page/ui';
import type { ReplayCheck, ReplayFrame, WatchedJob } from '../page-messages.ts';
import { duration, moment, queueName, stateName, tone, topLevel } from './format.ts';

/** What the page has received of a job. */
export interface ShownJob {
  job: WatchedJob | null;
  frames: ReplayFrame[];
  /** The answer as written so far. */
  streamed: string;
  queue: QueuePosition | null;
  check: ReplayCheck | null;
}

export interface JobActions {
  tell(verb: 'confirm' | 'reject' | 'cancel'): void;
  sendAgain(): void;
  download(): void;
}

export function headOf({ job, frames, queue, check }: ShownJob, actions: JobActions) {
  if (job === null) return null;
  const last = frames.at(-1);
  const value = last?.value ?? 'ack';
  const state = topLevel(value);
  const outcome = outcomeOf(frames);
  const isOpen = last !== undefined && !last.isEnded;
  const age = duration((isOpen ? Date.now() : (last?.at ?? job.createdAt)) - job.createdAt);
  return ui`
    <a class="to-list" href="#/jobs">‹ Jobs</a>
    <h2 dir="auto">${job.input.message}</h2>
    <p class="job-facts">
      <span class="pill ${tone(state, outcome)}" data-state=${state}>${outcome ?? stateName(value)}</span>
      <span>${written(job.input.userId)} · ${job.input.channel}</span>
      <span title=${moment(job.createdAt)}>${isOpen ? `open for ${age}` : `took ${age}`}</span>
      ${queue && ui`<span class="row-waits">${placeOf(queue, state)}</span>`}
      <code>${job.jobId}</code>
      ${check && checkMark(check)}
    </p>
    <div class="job-actions">${last !== undefined && buttonsOf(last, actions)}</div>`;
}

/** One word for the job's state or outcome. */
export const stateWord = (frames: ReplayFrame[]): string =>
  outcomeOf(frames) ?? topLevel(frames.at(-1)?.value ?? '');

const outcomeOf = (frames: ReplayFrame[]): string | null => {
  const changes = frames.flatMap(({ changed }) => changed);
  return (changes.findLast(({ key }) => key === 'outcome')?.after ?? null) as string | null;
};

const placeOf = ({ position, etaMs }: QueuePosition, state: string): string =>
  `${queueName(state)}, place ${position}${etaMs === null ? '' : `, about ${duration(etaMs)}`}`;

function checkMark({ ok, rows, differs, reworded }: ReplayCheck) {
  if (!ok)
    return ui`<span class="check bad" data-check="differs" role="alert">✗ does not replay: ${differs.join(', ')}</span>`;
  const same = 'Running the stored rows again gave the stored state, equal in every field';
  const isSame = reworded.length === 0;
  const title = isSame
    ? same
    : `${same} but for sentences: this version words rows ${reworded.join(', ')} otherwise`;
  const words = isSame ? '' : `, ${reworded.length} in other words`;
  return ui`<span class="check good" data-check="ok" title=${title}>✓ replays (${rows} rows${words})</span>`;
}

function buttonsOf({ isEnded, tags }: ReplayFrame, { tell, sendAgain, download }: JobActions) {
  const button = (label: string, kind: string, onclick: () => void, title: string | null = null) =>
    ui`<button type="button" class=${kind} title=${title} onclick=${onclick} key=${label}>${label}</button>`;
  const asks = !isEnded && tags.includes('waits-for-person');
  return [
    asks && button('Confirm the draft', 'primary', () => tell('confirm')),
    asks && button('Reject the draft', '', () => tell('reject')),
    !isEnded && button('Cancel the job', 'danger', () => tell('cancel')),
    isEnded &&
      button('Send again', '', sendAgain, 'The same message of the same user, as a new job'),
    button('Download', '', download, 'Every step of the journal that is shown here, as JSON'),
  ];
}
