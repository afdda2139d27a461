/** The filters of the job list: words, state, outcome, time and user. */
import { h } from './dom.js';
import { jobStates } from './job-states.js';

const outcomes = ['answered', 'clarified', 'declined', 'failed', 'cancelled'];

const hourMs = 3_600_000;
/** By the value of the choice: milliseconds back from now. */
const spans = { hour: hourMs, day: 24 * hourMs, week: 7 * 24 * hourMs, month: 30 * 24 * hourMs };
const spanWords = {
  hour: 'last hour',
  day: 'last 24 hours',
  week: 'last 7 days',
  month: 'last 30 days',
};

const option = (value, text = value) => h('option', { value }, text);

export class JobFilters {
  #onChange;
  #search = h('input', {
    type: 'search',
    placeholder: 'Search words or an id',
    'aria-label': 'Search jobs',
    oninput: () => this.#onChange(),
  });
  #state = this.#choice(
    'State',
    'every state',
    jobStates.map(({ name }) => option(name)),
  );
  #outcome = this.#choice(
    'Outcome',
    'every outcome',
    outcomes.map((name) => option(name)),
  );
  #time = this.#choice('Time', 'any time', [
    ...Object.keys(spans).map((name) => option(name, spanWords[name])),
    option('range', 'from … to …'),
  ]);
  #user = h('input', {
    placeholder: 'user',
    'aria-label': 'User',
    oninput: () => this.#onChange(),
  });
  #from = this.#moment('From');
  #to = this.#moment('To');
  #range = h(
    'div',
    { class: 'filter-range', hidden: true },
    h('label', {}, 'From', this.#from),
    h('label', {}, 'To', this.#to),
  );
  element = h(
    'form',
    { class: 'filters', role: 'search', onsubmit: (event) => event.preventDefault() },
    this.#search,
    this.#state,
    this.#outcome,
    this.#time,
    this.#user,
    this.#range,
  );

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
    this.#time.addEventListener('change', () => {
      this.#range.hidden = this.#time.value !== 'range';
    });
  }

  /** The query fields of the core; '' where nothing is chosen. `since` and `until` in epoch ms. */
  get value() {
    const isRange = this.#time.value === 'range';
    const span = spans[this.#time.value];
    return {
      q: this.#search.value.trim(),
      state: this.#state.value,
      outcome: this.#outcome.value,
      user_id: this.#user.value.trim(),
      since: span === undefined ? (isRange ? timeOf(this.#from) : '') : Date.now() - span,
      // Includes the whole minute that was typed.
      until: isRange && this.#to.value !== '' ? timeOf(this.#to) + 59_999 : '',
    };
  }

  #choice(label, every, options) {
    return h(
      'select',
      { 'aria-label': label, onchange: () => this.#onChange() },
      option('', every),
      ...options,
    );
  }

  #moment(label) {
    return h('input', {
      type: 'datetime-local',
      'aria-label': label,
      oninput: () => this.#onChange(),
    });
  }
}

/** Local time, as it was typed; '' while it is incomplete. */
const timeOf = ({ value }) => (value === '' ? '' : new Date(value).getTime());
