/**
 * The draft worker: the running draft, waiting drafts, drafts that were given up, and drafts that wait for a decision.
 */
import { call } from './api.js';
import { h, show, written } from './dom.js';
import { duration, moment } from './format.js';
import { DraftReview } from './draft-review.js';

export class DraftsView {
  #overview = null;
  #review;
  #problem = h('p', { role: 'alert', class: 'problem' });
  #body = h('div', {}, h('p', { class: 'empty' }, 'Asking the core …'));
  #list = h('div', {}, h('h2', {}, 'Drafts'), this.#problem, this.#body);
  element = h(
    'section',
    { class: 'drafts-view', 'aria-label': 'Drafts', tabindex: -1 },
    this.#list,
  );

  /** `user`: the user of the key; null: the operator's. */
  constructor(user) {
    this.#review = new DraftReview(user, () => this.#draw());
  }

  /** `id`: the document whose draft to show; '' for the list. */
  open(id, owner) {
    if (id === '') {
      this.#review.close();
      show(this.element, this.#list);
      return;
    }
    show(this.element, this.#review.element);
    this.#review.open(id, owner);
  }

  focus() {
    this.element.focus({ preventScroll: true });
  }

  take({ overview }) {
    this.#overview = overview;
    this.#draw();
    this.#review.hear(overview);
  }

  /** For example when texts are hidden or shown again. */
  reload() {
    this.#overview = null;
    show(this.#body);
    this.#review.reload();
  }

  async #tell(path, body = {}) {
    this.#problem.textContent = '';
    try {
      await call(path, body);
    } catch (error) {
      this.#problem.textContent = error.message;
    }
  }

  #draw() {
    const overview = this.#overview;
    if (overview === null) return;
    const hadFocus = document.activeElement?.dataset?.key;
    show(
      this.#body,
      this.#headOf(overview),
      overview.running === null ? null : runningOf(overview.running),
      h('h3', {}, `To decide (${overview.drafted.length})`),
      draftedOf(overview.drafted),
      h('h3', {}, `Waiting (${overview.waiting.length})`),
      table('Waiting for a draft', overview.waiting, (one) => [
        one.due_at === null || Date.parse(one.due_at) <= Date.now()
          ? 'next'
          : `in ${duration(Date.parse(one.due_at) - Date.now())}`,
      ]),
      h('h3', {}, `Given up (${overview.dead.length})`),
      table('Given up', overview.dead, (one) => [
        // Without `user_id`: the core takes the user from the key, and the operator's key may retry all drafts.
        this.#button('Try again', `retry-${one.document_id}`, `/drafts/${one.document_id}/retry`),
      ]),
    );
    if (hadFocus) this.#body.querySelector(`[data-key="${CSS.escape(hadFocus)}"]`)?.focus();
  }

  #headOf({ state, paused, window, waiting, dead, interval_ms: intervalMs }) {
    const hours = window.hours === null ? '' : ` · ${window.hours}`;
    const opens = window.open ? '' : ` · opens ${moment(Date.parse(window.opens_at))}`;
    return h(
      'p',
      { class: 'job-facts' },
      h('span', { class: `pill ${paused ? 'asks' : 'good'}`, 'data-state': state }, state),
      h(
        'span',
        {},
        `${waiting.length} waiting, ${dead.length} given up · looks every ${duration(intervalMs)}${hours}${opens}`,
      ),
      paused
        ? this.#button('Resume', 'pause', '/drafts/resume')
        : this.#button('Pause', 'pause', '/drafts/pause'),
    );
  }

  #button(label, key, path, body) {
    return h(
      'button',
      { type: 'button', 'data-key': key, onclick: () => void this.#tell(path, body) },
      label,
    );
  }
}

/** Where texts are hidden, the owner is hidden too, so there is nothing to open. */
const link = ({ document_id: id, title, user_id: user }) =>
  user.startsWith('[')
    ? title
    : h('a', { href: `#/drafts/${id}/${encodeURIComponent(user)}`, dir: 'auto' }, title);

function runningOf(one) {
  const { chars, memo_chars: memoChars, section, sections } = one.progress;
  return h(
    'article',
    { class: 'gate-card', 'aria-label': 'Being written' },
    h('p', {}, h('b', {}, link(one)), ' · ', written(one.user_id)),
    h('progress', { max: Math.max(memoChars, 1), value: Math.min(chars, memoChars) }),
    h(
      'p',
      { class: 'note' },
      `${chars} characters of a memo of ${memoChars}`,
      sections > 1 ? `, part ${section} of ${sections}` : '',
      `, attempt ${one.attempt}, for ${duration(Date.now() - Date.parse(one.since))}`,
      one.preemptions > 0 ? `, gave way to people ${one.preemptions} ×` : '',
      one.waits_at_gate ? ', waits for the model server: others come first' : '',
    ),
  );
}

const draftedOf = (drafted) =>
  drafted.length === 0
    ? h('p', { class: 'note' }, 'No draft waits for a decision.')
    : h(
        'ul',
        { class: 'drafted', 'aria-label': 'Drafts to decide' },
        ...drafted.map((one) =>
          h(
            'li',
            {},
            link(one),
            h(
              'span',
              { class: 'note' },
              ' ',
              written(one.user_id),
              ` · ${moment(Date.parse(one.at))}`,
            ),
          ),
        ),
      );

/** `lastCells`: the last cells of a row: a state or a button. */
function table(label, rows, lastCells) {
  if (rows.length === 0) return h('p', { class: 'note' }, 'None.');
  return h(
    'table',
    { 'aria-label': label },
    h(
      'thead',
      {},
      h(
        'tr',
        {},
        ...['memo', 'user', 'characters', 'attempts', 'last error'].map((head) =>
          h('th', { scope: 'col' }, head),
        ),
        h('td', {}),
      ),
    ),
    h(
      'tbody',
      {},
      ...rows.map((one) =>
        h(
          'tr',
          { 'data-id': one.document_id },
          h('th', { scope: 'row' }, link(one)),
          h('td', { 'data-label': 'user' }, written(one.user_id)),
          h('td', { 'data-label': 'characters' }, one.memo_chars),
          h('td', { 'data-label': 'attempts' }, one.attempts),
          h(
            'td',
            { class: 'wide', 'data-label': 'last error' },
            ...(one.last_error === null
              ? ['']
              : [written(one.last_error.message), ' ', h('code', {}, one.last_error.code)]),
          ),
          ...lastCells(one).map((cell) => h('td', {}, cell)),
        ),
      ),
    ),
  );
}
