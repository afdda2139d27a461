/** The filters of the job list: words, state, outcome, time and user. */
import { ui } from '#shared/page/ui';
import { jobStates } from './job-states.ts';

/** The query fields of the core; '' where nothing is chosen. `since` and `until` in epoch ms. */
export interface JobFilter {
  q: string;
  state: string;
  outcome: string;
  user_id: string;
  since: number | '';
  until: number | '';
}

export const noFilter: JobFilter = {
  q: '',
  state: '',
  outcome: '',
  user_id: '',
  since: '',
  until: '',
};

const outcomes = ['answered', 'clarified', 'declined', 'failed', 'cancelled'];

const hourMs = 3_600_000;
/** By the value of the choice: its words, and milliseconds back from now. */
const spans: Record<string, [words: string, ms: number]> = {
  hour: ['last hour', hourMs],
  day: ['last 24 hours', 24 * hourMs],
  week: ['last 7 days', 7 * 24 * hourMs],
  month: ['last 30 days', 30 * 24 * hourMs],
};

const choice = (
  name: string,
  label: string,
  every: string,
  values: [value: string, text: string][],
) =>
  ui`<select name=${name} aria-label=${label}>
    <option value="">${every}</option>
    ${values.map(([value, text]) => ui`<option value=${value}>${text}</option>`)}
  </select>`;

const instant = (name: string, label: string) =>
  ui`<label>${label}<input type="datetime-local" name=${name} aria-label=${label} /></label>`;

const same = (word: string): [string, string] => [word, word];

export function jobFilters(onChange: (filter: JobFilter) => void) {
  const read = ({ currentTarget: form }: Event & { currentTarget: HTMLFormElement }): void => {
    form.querySelector<HTMLElement>('.filter-range')!.hidden = form['time'].value !== 'range';
    onChange(filterOf(new FormData(form)));
  };
  return ui`<form class="filters" role="search" oninput=${read}
    onsubmit=${(event: Event) => event.preventDefault()}>
    <input type="search" name="q" placeholder="Search words or an id" aria-label="Search jobs" />
    ${choice(
      'state',
      'State',
      'every state',
      jobStates.map(({ name }) => same(name)),
    )}
    ${choice('outcome', 'Outcome', 'every outcome', outcomes.map(same))}
    ${choice('time', 'Time', 'any time', [
      ...Object.entries(spans).map(([value, [words]]): [string, string] => [value, words]),
      ['range', 'from … to …'],
    ])}
    <input name="user" placeholder="user" aria-label="User" />
    <div class="filter-range" hidden>${instant('from', 'From')}${instant('to', 'To')}</div>
  </form>`;
}

function filterOf(form: FormData): JobFilter {
  const text = (name: string): string => String(form.get(name) ?? '').trim();
  const span = spans[text('time')];
  const isRange = text('time') === 'range';
  const to = isRange ? timeOf(text('to')) : '';
  return {
    q: text('q'),
    state: text('state'),
    outcome: text('outcome'),
    user_id: text('user'),
    since: span === undefined ? (isRange ? timeOf(text('from')) : '') : Date.now() - span[1],
    // Includes the whole minute that was typed.
    until: to === '' ? '' : to + 59_999,
  };
}

/** Local time, as it was typed; '' while it is incomplete. */
const timeOf = (value: string): number | '' => (value === '' ? '' : new Date(value).getTime());
