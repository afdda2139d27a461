/**
 * The list of jobs: the newest page from the core, updated by the events of all jobs. An event with a `seq` that was
 * already applied changes nothing, so a repeated event after a lost connection has no effect.
 */
import { call, hidesTexts } from './api.js';
import { h } from './dom.js';
import { duration } from './format.js';
import { JobFilters } from './job-filters.js';
import { changesOf, fits, isOfKind, jobOf, mayFit, rowOf } from './job-row.js';

/** Maximum number of rows in the document; older jobs are found by a search. */
const rowsMax = 1_000;
/** Debounce: the search starts when the user stops typing. */
const typingMs = 200;
/** Minimum interval of refreshes: each costs the core a search. */
const catchUpMs = 500;

export class JobList {
  /** @type {Map<string, any>} */
  #jobs = new Map();
  #elements = new Map();
  #filter = { q: '', state: '', outcome: '', user_id: '', since: '', until: '' };
  /** Cursor of the older jobs; null: there are none. Undefined until the core has answered. */
  #cursor = undefined;
  /** The newest row when the connection was lost; null while no event is missing. */
  #heardUpTo = null;
  #selected = '';
  /** Counts the requests: a late response to an old request is dropped. */
  #asked = 0;
  #isAsking = false;
  #filterTimer = 0;
  #catchUpTimer = 0;
  #filters = new JobFilters(() => this.#changeFilter());
  #rows = h('ol', {
    class: 'job-rows',
    'aria-label': 'Jobs, newest first',
    onkeydown: (event) => this.#press(event),
  });
  /** The only row in the tab order; arrow keys move from it to others. */
  #reachable = null;
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
  /** Visible rows may be out of date because events were left out. */
  #isStale = false;
  element = h(
    'div',
    { class: 'job-list', tabindex: -1 },
    this.#filters.element,
    h('div', { class: 'scroller' }, this.#rows, this.#note, this.#more),
  );

  constructor() {
    setInterval(() => this.#growOlder(), 1_000);
  }

  /** Loads the newest page again: for events missed while disconnected. */
  refresh() {
    void this.#load(null);
  }

  /** The connection is lost: newer jobs may leave a gap above the visible rows. */
  lose() {
    this.#heardUpTo ??= this.#newest();
  }

  /** Loads the list again from the first row, for example when texts are hidden or shown again. */
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
    this.#markReachable();
  }

  /** Focuses the row of a job, or the list where it has no such row. */
  focus(id) {
    (this.#linkOf(id) ?? this.element).focus();
  }

  /** `isCut`: there were more events than a list can show; the list is loaded again afterwards. */
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
    // An event of a job that is not in the list: it may match the filter now.
    this.#isStale ||= isCut;
    if (isUnknown || this.#isStale) this.#catchUpSoon();
  }

  /** A throttle, not a debounce: a steady stream of events does not postpone it. It waits for a running request. */
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
    this.#filter = this.#filters.value;
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

  /** `knownUpTo`: the newest row without missing rows below it at the time of the request. */
  #takePage(page, from, knownUpTo) {
    const oldest = page.jobs.at(-1)?.job_id ?? '';
    const hasGap = from === null && page.next_cursor !== null && oldest > knownUpTo;
    // The rows below a gap are loaded again with the older jobs.
    if (hasGap) this.#dropBelow(oldest);
    // Loading the newest page does not remove the older rows that are visible.
    const isFurther = from !== null || hasGap || this.#cursor === undefined;
    // A request for older rows replaced the pending request for the newest ones, so that one is repeated.
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
    if (!isOfKind(job, this.#filter)) {
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
    } else this.#insert(row, id);
    this.#markReachable();
  }

  #markReachable() {
    const link = this.#linkOf(this.#selected) ?? this.#rows.querySelector('a');
    if (link === this.#reachable) return;
    this.#reachable?.setAttribute('tabindex', '-1');
    link?.setAttribute('tabindex', '0');
    this.#reachable = link;
  }

  #press(event) {
    const row = event.target.closest('li');
    const next = {
      ArrowDown: row?.nextElementSibling,
      ArrowUp: row?.previousElementSibling,
      Home: this.#rows.firstElementChild,
      End: this.#rows.lastElementChild,
    }[event.key];
    if (!next) return;
    event.preventDefault();
    next.querySelector('a').focus();
  }

  /** Ids are ordered by time and most new rows are the newest: so the top is tried first. */
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
    this.#markReachable();
  }

  #growOlder() {
    for (const age of this.#rows.querySelectorAll('time')) {
      const text = duration(Date.now() - Date.parse(age.dateTime));
      if (age.textContent !== text) age.textContent = text;
    }
  }
}
