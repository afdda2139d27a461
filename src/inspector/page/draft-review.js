/** A draft next to its memo: accept, edit or reject it; its versions and its history. */
import { call, hidesTexts } from './api.js';
import { h, jsonOnDemand, redraw, show } from './dom.js';
import { moment } from './format.js';

export class DraftReview {
  #id = '';
  #owner = '';
  #user;
  /** The draft as the core has it; used to detect what the user has typed. */
  #stored = '';
  /** The version that is shown or was edited: a decision about another version is refused. */
  #version = null;
  /** By document: unsaved text and the version it is based on. It is kept when another view is opened. */
  #typed = new Map();
  /** Counts the requests: a late response to an old request is dropped. */
  #asked = 0;
  /** The document's entries in the overview. */
  #heard = '';
  #newest = null;
  /**
   * The data that was drawn last: the same data is not drawn again, so that buttons are not replaced during a press.
   */
  #drawn = '';
  #text = h('textarea', { 'aria-label': 'Draft', class: 'draft-text', spellcheck: false });
  #problem = h('p', { role: 'alert', class: 'problem' });
  #body = h('div', { class: 'draft-body', tabindex: -1 });
  element = h(
    'div',
    { class: 'draft-review' },
    h('a', { class: 'to-list', href: '#/drafts' }, '‹ Drafts'),
    this.#body,
    this.#problem,
  );
  #onDecision;

  /** `user`: the user of the key; null: the operator's, who names the owner of the document. */
  constructor(user, onDecision) {
    this.#user = user;
    this.#onDecision = onDecision;
    this.#text.addEventListener('input', () => {
      if (this.#text.value === this.#stored) this.#typed.delete(this.#id);
      else this.#typed.set(this.#id, { text: this.#text.value, version: this.#version });
      this.#marks();
    });
  }

  open(id, owner) {
    if (id !== this.#id) this.#empty();
    [this.#id, this.#owner] = [id, owner];
    this.#problem.textContent = '';
    void this.#load();
  }

  close() {
    this.#id = '';
    this.#asked += 1;
    this.#empty();
  }

  /** For example when texts are hidden or shown again. */
  reload() {
    this.#empty();
    this.#text.value = '';
    if (this.#id !== '') void this.#load();
  }

  /** Receives the overview of all drafts whenever one changes: another client may have decided about this draft. */
  hear({ running, waiting, dead, drafted }) {
    const isOwn = (one) => one.document_id === this.#id;
    const stands = [waiting, dead, drafted].map((list) => list.find(isOwn));
    const heard = JSON.stringify([this.#id, running !== null && isOwn(running), ...stands]);
    const isNews = heard !== this.#heard;
    this.#heard = heard;
    if (isNews && this.#id !== '') void this.#load();
  }

  #empty() {
    this.#drawn = '';
    show(this.#body);
  }

  async #load() {
    const id = this.#id;
    this.#asked += 1;
    const mine = this.#asked;
    if (hidesTexts()) {
      this.#empty();
      show(this.#body, h('p', { class: 'note' }, 'Texts are hidden: there is nothing to read.'));
      return;
    }
    const query = this.#user === null ? `?user_id=${encodeURIComponent(this.#owner)}` : '';
    const path = encodeURIComponent(id);
    try {
      const [row, { versions }, detail] = await Promise.all([
        call(`/documents/${path}${query}`),
        call(`/documents/${path}/versions${query}`),
        call(`/drafts/${path}${query}`),
      ]);
      if (mine === this.#asked) this.#show(row, versions, detail);
    } catch (error) {
      if (mine === this.#asked) this.#problem.textContent = error.message;
    }
  }

  async #versionText(version) {
    const query = this.#user === null ? `?user_id=${encodeURIComponent(this.#owner)}` : '';
    return (await call(`/documents/${this.#id}/versions/${version}${query}`)).md_content;
  }

  #show(row, versions, detail) {
    const told = JSON.stringify([row, versions, detail]);
    if (told === this.#drawn) return;
    this.#drawn = told;
    const isOpen = row.md_draft_status === 'draft';
    const newest = versions[0]?.version ?? null;
    const typed = this.#typed.get(this.#id);
    this.#version = typed === undefined ? newest : typed.version;
    this.#newest = newest;
    this.#stored = row.md_content ?? '';
    const text = (isOpen ? typed?.text : null) ?? this.#stored;
    // The caret keeps its place while the text is the same.
    if (this.#text.value !== text) this.#text.value = text;
    this.#text.readOnly = !isOpen;
    redraw(
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
      isOpen ? this.#actions() : typed && leftOver(typed),
      h('h3', {}, 'Versions'),
      ...versions.map((version) => versionOf(version, (n) => this.#versionText(n))),
      h('h3', {}, 'How it came about'),
      h(
        'ol',
        { class: 'draft-events', 'aria-label': 'Events of the document' },
        ...detail.events.map(eventOf),
      ),
    );
  }

  /** Unsaved changes must be kept or taken back before the draft can be accepted. */
  #accept = this.#button('Accept the draft', 'primary', 'accept', () => ({}));
  #keep = this.#button('Keep my changes', '', 'edit', () => ({ md_content: this.#text.value }));
  #back = h('button', { type: 'button', onclick: () => this.#takeBack() }, 'Take back my changes');
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
    return h('div', { class: 'job-actions' }, this.#accept, this.#keep, this.#back, this.#reject);
  }

  #marks() {
    const isChanged = this.#text.value !== this.#stored;
    this.#accept.disabled = isChanged;
    this.#keep.disabled = !isChanged;
    this.#back.disabled = !isChanged;
  }

  #takeBack() {
    this.#typed.delete(this.#id);
    this.#version = this.#newest;
    this.#text.value = this.#stored;
    this.#problem.textContent = '';
    this.#marks();
    this.#text.focus();
  }

  async #decide(verb, body) {
    this.#problem.textContent = '';
    const id = this.#id;
    const base = this.#version === null ? {} : { base_version: this.#version };
    const owner = this.#user === null ? { user_id: this.#owner } : {};
    try {
      await call(`/documents/${encodeURIComponent(id)}/draft/${verb}`, {
        ...owner,
        ...base,
        ...body,
      });
    } catch (error) {
      // The typed text stays in the box.
      this.#problem.textContent = error.message;
      return;
    }
    // Text that was typed while the request ran is not deleted.
    const isKept = verb !== 'edit' || this.#typed.get(id)?.text === body.md_content;
    if (isKept) this.#typed.delete(id);
    this.#onDecision();
    if (id === this.#id) await this.#load();
  }
}

/** Unsaved text of a draft that another client has decided about. */
const leftOver = ({ text }) =>
  h(
    'details',
    { open: true },
    h('summary', {}, 'Typed here and not kept'),
    h('pre', { class: 'memo-text' }, text),
  );

/** The text of a long version is loaded when it is opened. */
function versionOf({ version, made_by, status, at, md_content, md_content_cut }, read) {
  const text = h('pre', { class: 'memo-text' }, md_content);
  const open = async () => {
    text.textContent = (await read(version).catch(() => null)) ?? `${md_content} […]`;
  };
  return h(
    'details',
    md_content_cut === true ? { ontoggle: () => void open() } : {},
    h('summary', {}, `${version}. ${made_by}, ${status}, ${moment(Date.parse(at))}`),
    text,
  );
}

const eventOf = ({ seq, type, at, data }) =>
  h(
    'li',
    {},
    h('b', {}, `${seq}. ${type}`),
    h('span', { class: 'note' }, ` ${moment(Date.parse(at))}`),
    ...factsOf(seq, data),
  );

/** Plain values as text, nested values as JSON on demand. */
function factsOf(seq, data) {
  const entries = Object.entries(data).filter(([, value]) => value !== null);
  const isPlain = ([, value]) => typeof value !== 'object';
  const words = entries
    .filter(isPlain)
    .map(([key, value]) => `${key.replaceAll('_', ' ')} ${value}`);
  return [
    words.length === 0 ? null : h('bdi', {}, ` ${words.join(', ')}`),
    entries.every(isPlain) ? null : jsonOnDemand(`Event ${seq} as JSON`, data),
  ];
}
