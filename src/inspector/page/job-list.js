/**
 * The list of jobs: the newest page from the core, kept up to date by the events of all jobs. An event with
 * a number that was seen changes nothing, so nothing comes twice after a lost connection.
 */
import { call, hidesTexts } from './api.js';
import { h } from './dom.js';
import { duration } from './format.js';
import { changesOf, fits, jobOf, mayFit, rowOf } from './job-row.js';

/** Rows in the document; older ones are a search away. */
const rowsMax = 1_000;
/** A word is typed before it is looked for. */
const typingMs = 200;
/** More often costs the core a search each time, for rows that nobody misses so soon. */
const catchUpMs = 500;
const states = [
  'ack',
  'classify',
  'route',
  'tools',
  'confirm-draft',
  'reason',
  'fallback',
  'done',
  'cancelled',
];

export class JobList {
  /** @type {Map<string, any>} */
  #jobs = new Map();
  #elements = new Map();
  #filter = { q: '', state: '', user_id: '' };
  /** Where older jobs begin; null: there are none. Undefined until the core has answered. */
  #cursor = undefined;
  /** The newest row when the connection was lost; null while the list is whole. */
  #heardUpTo = null;
  #selected = '';
  /** Counts the questions to the core: a late answer to an old one is dropped. */
  #asked = 0;
  #isAsking = false;
  #filterTimer = 0;
  #catchUpTimer = 0;
  #search = h('input', {
    type: 'search',
    placeholder: 'Search words or an id',
    'aria-label': 'Search jobs',
    oninput: () => this.#changeFilter(),
  });
  #state = h(
    'select',
    { 'aria-label': 'State', onchange: () => this.#changeFilter() },
    h('option', { value: '' }, 'every state'),
    ...states.map((name) => h('option', { value: name }, name)),
  );
  #user = h('input', {
    placeholder: 'user',
    'aria-label': 'User',
    oninput: () => this.#changeFilter(),
  });
  #rows = h('ol', { class: 'job-rows', 'aria-label': 'Jobs, newest first' });
  #more = h(
    'button',
    {
      type: 'button',
      class: 'more',
      hidden: true,
      onclick: () => void this.#load(this.#cursor ?? null),
    },
    'Older jobs',
  );
  #note = h('p', { class: 'note', role: 'status' });
  /** Rows that are shown may have moved on unheard. */
  #isStale = false;
  element = h(
    'div',
    { class: 'job-list' },
    h(
      'form',
      { class: 'filters', role: 'search', onsubmit: (event) => event.preventDefault() },
      this.#search,
      this.#state,
      this.#user,
    ),
    h('div', { class: 'scroller' }, this.#rows, this.#note, this.#more),
  );

  constructor() {
    setInterval(() => this.#growOlder(), 1_000);
  }

  /** Asks for the newest page again: what happened while nobody listened. */
  refresh() {
    void this.#load(null);
  }

  /** What happens from now on is not heard: newer rows may leave a gap above those that are here. */
  lose() {
    this.#heardUpTo ??= this.#newest();
  }

  /** From the first row on, as when texts are to be hidden or shown. */
  reload() {
    clearTimeout(this.#filterTimer);
    this.#jobs.clear();
    this.#elements.clear();
    this.#rows.replaceChildren();
    this.#cursor = undefined;
    this.#heardUpTo = null;
    this.#isStale = false;
    this.refresh();
  }

  select(id) {
    this.#linkOf(this.#selected)?.removeAttribute('aria-current');
    this.#selected = id;
    this.#linkOf(id)?.setAttribute('aria-current', 'true');
  }

  /** `isCut`: there were more than a list can show; it is read again when that is over. */
  take(events, isCut) {
    let isUnknown = false;
    for (const event of events) {
      const known = this.#jobs.get(event.job_id);
      if (known === undefined && event.type !== 'ack') {
        isUnknown ||= mayFit(event, this.#filter);
      } else if (known === undefined || known.seq < event.seq) {
        const job = { ...(known ?? jobOf(event)), ...changesOf(event) };
        if (known !== undefined || fits(job, this.#filter)) this.#put(job);
      }
    }
    // A job from before the page was opened moves: it may belong to the list by now.
    this.#isStale ||= isCut;
    if (isUnknown || this.#isStale) this.#catchUpSoon();
  }

  /** Events that never end do not put it off, and it does not overtake an answer that is on its way. */
  #catchUpSoon() {
    if (this.#catchUpTimer !== 0) return;
    this.#catchUpTimer = setTimeout(() => {
      this.#catchUpTimer = 0;
      if (this.#isAsking) this.#catchUpSoon();
      else if (this.#isStale) this.reload();
      else this.refresh();
    }, catchUpMs);
  }

  #newest() {
    return this.#rows.firstElementChild?.dataset.id ?? '';
  }

  #linkOf(id) {
    return this.#elements.get(id)?.firstElementChild;
  }

  #changeFilter() {
    this.#filter = {
      q: this.#search.value.trim(),
      state: this.#state.value,
      user_id: this.#user.value.trim(),
    };
    this.#isStale = true;
    clearTimeout(this.#filterTimer);
    this.#filterTimer = setTimeout(() => this.reload(), typingMs);
  }

  async #load(from) {
    this.#asked += 1;
    const mine = this.#asked;
    const knownUpTo = this.#heardUpTo ?? this.#newest();
    this.#isAsking = true;
    const fields = Object.entries({ ...this.#filter, cursor: from ?? '' });
    const query = new URLSearchParams(fields.filter(([, value]) => value !== ''));
    if (hidesTexts()) query.set('redact', '');
    try {
      const page = await call(`/inspect/api/jobs?${query}`);
      if (mine === this.#asked) this.#takePage(page, from, knownUpTo);
    } catch (error) {
      if (mine === this.#asked) this.#note.textContent = error.message;
    }
    if (mine === this.#asked) this.#isAsking = false;
  }

  /** `knownUpTo`: the newest row below which nothing was missing when the page was asked for. */
  #takePage(page, from, knownUpTo) {
    const oldest = page.jobs.at(-1)?.job_id ?? '';
    const hasGap = from === null && page.next_cursor !== null && oldest > knownUpTo;
    // The rows below a gap come again with the older jobs.
    if (hasGap) this.#dropBelow(oldest);
    // A look at the newest page does not take back the older ones that are shown.
    const isFurther = from !== null || hasGap || this.#cursor === undefined;
    // An answer about older rows has taken the place of the one about the newest.
    if (from === null) this.#heardUpTo = null;
    else if (this.#heardUpTo !== null) this.#catchUpSoon();
    for (const job of page.jobs) {
      const known = this.#jobs.get(job.job_id);
      if (known === undefined || known.seq <= job.seq) this.#put({ ...known, ...job });
    }
    if (isFurther) this.#cursor = page.next_cursor;
    const isEmpty = this.#jobs.size === 0;
    const goesOn = typeof this.#cursor === 'string';
    this.#note.textContent = !isEmpty
      ? ''
      : goesOn
        ? `Nothing among the last ${page.looked} jobs`
        : 'No jobs';
    this.#more.hidden = !goesOn || this.#jobs.size >= rowsMax;
  }

  #put(job) {
    const id = job.job_id;
    const { state } = this.#filter;
    if (state !== '' && state !== job.state) {
      this.#drop(id);
      return;
    }
    const old = this.#elements.get(id);
    const row = rowOf(job, id === this.#selected);
    this.#jobs.set(id, job);
    this.#elements.set(id, row);
    if (old !== undefined) {
      const hadFocus = old.contains(document.activeElement);
      old.replaceWith(row);
      if (hadFocus) row.firstElementChild.focus();
      return;
    }
    this.#insert(row, id);
  }

  /** Ids are in the order of time: the newest stand at the top, and most that come are the newest. */
  #insert(row, id) {
    const { firstElementChild: first, lastElementChild: last } = this.#rows;
    if (first === null || first.dataset.id < id) this.#rows.prepend(row);
    else if (last.dataset.id > id) this.#rows.append(row);
    else {
      const next = [...this.#rows.children].find((other) => other.dataset.id < id);
      this.#rows.insertBefore(row, next ?? null);
    }
    this.#note.textContent = '';
    if (this.#jobs.size > rowsMax) this.#drop(this.#rows.lastElementChild.dataset.id);
  }

  #dropBelow(oldest) {
    for (const id of this.#jobs.keys()) if (id < oldest) this.#drop(id);
  }

  #drop(id) {
    this.#elements.get(id)?.remove();
    this.#elements.delete(id);
    this.#jobs.delete(id);
  }

  #growOlder() {
    for (const age of this.#rows.querySelectorAll('time')) {
      const text = duration(Date.now() - Date.parse(age.dateTime));
      if (age.textContent !== text) age.textContent = text;
    }
  }
}
