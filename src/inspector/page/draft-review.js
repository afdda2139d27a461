/** A draft beside its memo: to accept, edit or reject; the versions that there were, and how it came about. */
import { call, hidesTexts } from './api.js';
import { h, show } from './dom.js';
import { moment } from './format.js';

export class DraftReview {
  #id = '';
  #owner = '';
  #user;
  /** The draft as the core has it: what differs from it was typed here. */
  #stored = '';
  /** Of the draft that is shown: a decision about another one is refused. */
  #version = null;
  #text = h('textarea', { 'aria-label': 'Draft', class: 'draft-text', spellcheck: false });
  #problem = h('p', { role: 'alert', class: 'problem' });
  #body = h('div', {});
  element = h(
    'div',
    { class: 'draft-review' },
    h('a', { class: 'to-list', href: '#/drafts' }, '‹ Drafts'),
    this.#body,
    this.#problem,
  );
  #onDecision;

  /** `user`: whose key it is; null: the operator's, who says whose document he means. */
  constructor(user, onDecision) {
    this.#user = user;
    this.#onDecision = onDecision;
    this.#text.addEventListener('input', () => this.#marks());
  }

  open(id, owner) {
    [this.#id, this.#owner] = [id, owner];
    this.#problem.textContent = '';
    void this.#load();
  }

  close() {
    this.#id = '';
  }

  async #load() {
    const id = this.#id;
    if (hidesTexts()) {
      show(this.#body, h('p', { class: 'note' }, 'Texts are hidden: there is nothing to read.'));
      return;
    }
    const query = this.#user === null ? `?user_id=${encodeURIComponent(this.#owner)}` : '';
    try {
      const [row, { versions }, detail] = await Promise.all([
        call(`/documents/${id}${query}`),
        call(`/documents/${id}/versions${query}`),
        call(`/drafts/${id}${query}`),
      ]);
      if (id === this.#id) this.#show(row, versions, detail);
    } catch (error) {
      this.#problem.textContent = error.message;
    }
  }

  #show(row, versions, detail) {
    const isOpen = row.md_draft_status === 'draft';
    this.#version = versions[0]?.version ?? null;
    this.#stored = row.md_content ?? '';
    this.#text.value = this.#stored;
    this.#text.readOnly = !isOpen;
    show(
      this.#body,
      h('h2', {}, row.title),
      h(
        'p',
        { class: 'job-facts' },
        h('span', { class: `pill ${isOpen ? 'asks' : ''}` }, detail.state),
        h('span', {}, this.#owner),
        h('code', {}, row.id),
      ),
      h(
        'div',
        { class: 'draft-sides' },
        h(
          'section',
          { 'aria-label': 'Memo' },
          h('h3', {}, 'Memo'),
          h('pre', { class: 'memo-text' }, row.extracted_text),
        ),
        h('section', { 'aria-label': 'Draft of it' }, h('h3', {}, 'Draft'), this.#text),
      ),
      isOpen ? this.#actions() : null,
      h('h3', {}, 'Versions'),
      ...versions.map(versionOf),
      h('h3', {}, 'How it came about'),
      h(
        'ol',
        { class: 'draft-events', 'aria-label': 'Events of the document' },
        ...detail.events.map(eventOf),
      ),
    );
  }

  /** What was typed is kept or taken back before the draft as it was can be accepted. */
  #accept = this.#button('Accept the draft', 'primary', 'accept', () => ({}));
  #keep = this.#button('Keep my changes', '', 'edit', () => ({ md_content: this.#text.value }));
  #reject = this.#button('Reject the draft', 'danger', 'reject', () => ({}));

  #button(label, kind, verb, body) {
    return h(
      'button',
      { type: 'button', class: kind, onclick: () => void this.#decide(verb, body()) },
      label,
    );
  }

  #actions() {
    this.#marks();
    return h('div', { class: 'job-actions' }, this.#accept, this.#keep, this.#reject);
  }

  #marks() {
    const isChanged = this.#text.value !== this.#stored;
    this.#accept.disabled = isChanged;
    this.#keep.disabled = !isChanged;
  }

  async #decide(verb, body) {
    this.#problem.textContent = '';
    const base = this.#version === null ? {} : { base_version: this.#version };
    const owner = this.#user === null ? { user_id: this.#owner } : {};
    try {
      await call(`/documents/${this.#id}/draft/${verb}`, { ...owner, ...base, ...body });
    } catch (error) {
      // What was typed stays in the box.
      this.#problem.textContent = error.message;
      return;
    }
    this.#onDecision();
    await this.#load();
  }
}

const versionOf = ({ version, made_by: madeBy, status, at, md_content: text }) =>
  h(
    'details',
    {},
    h('summary', {}, `${version}. ${madeBy}, ${status}, ${moment(Date.parse(at))}`),
    h('pre', { class: 'memo-text' }, text),
  );

const eventOf = ({ seq, type, at, data }) =>
  h(
    'li',
    {},
    h('b', {}, `${seq}. ${type}`),
    h('span', { class: 'note' }, ` ${moment(Date.parse(at))}`),
    Object.keys(data).length === 0 ? null : h('code', {}, ` ${JSON.stringify(data)}`),
  );
