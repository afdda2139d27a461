/** "What if": applies another event to a copy of the job at the step that is shown. Nothing is executed. */
import { call, hidesTexts } from './api.js';
import { changes } from './detail-panels.js';
import { h, show } from './dom.js';
import { eventName, stateName } from './format.js';

export class WhatIf {
  #at = '';
  #jobId = '';
  #n = 0;
  #options = [];
  #preview;
  #choice = h('select', { id: 'what-if-event', onchange: () => this.#fill() });
  #text = h('textarea', { id: 'what-if-json', rows: 8, spellcheck: 'false' });
  #answer = h('div', { class: 'what-if-answer', role: 'status' });
  #button = h(
    'button',
    { type: 'button', class: 'primary', onclick: () => void this.#ask() },
    'Send it to a copy',
  );
  #intro = h('p', { class: 'note' });
  #form = h(
    'div',
    { class: 'what-if' },
    h('h3', {}, 'What if'),
    this.#intro,
    h('label', { for: 'what-if-event' }, 'Event'),
    this.#choice,
    h(
      'details',
      { class: 'on-demand' },
      h('summary', {}, 'Change the event'),
      h('label', { for: 'what-if-json' }, 'As JSON'),
      this.#text,
    ),
    this.#button,
    this.#answer,
  );

  /** @param {(frame: any) => void} preview */
  constructor(preview) {
    this.#preview = preview;
  }

  /** Filled again only for another step: the user may be typing. */
  panel(jobId, frame) {
    const at = `${jobId}/${frame.n}`;
    if (this.#at !== at) {
      [this.#at, this.#jobId, this.#n] = [at, jobId, frame.n];
      show(this.#answer);
      void this.#loadChoices();
    }
    return this.#form;
  }

  reset() {
    this.#at = '';
    this.#text.value = '';
    show(this.#answer);
  }

  #path(what) {
    return `/inspect/api/jobs/${encodeURIComponent(this.#jobId)}/${what}`;
  }

  async #loadChoices() {
    const at = this.#at;
    const none = { choices: [] };
    const { choices } = await call(this.#path(`choices?n=${this.#n}`)).catch(() => none);
    if (at !== this.#at) return;
    this.#options = choices;
    show(
      this.#choice,
      ...choices.map((event, index) => h('option', { value: index }, labelOf(event))),
    );
    this.#fill();
    const isOver = choices.length === 0;
    this.#intro.textContent = isOver
      ? 'The job had ended at this step: no event changes it any more.'
      : `A copy of the job as it was after step ${this.#n} gets another event.`;
    this.#button.disabled = isOver;
  }

  #fill() {
    const event = this.#options[Number(this.#choice.value)] ?? { type: '' };
    this.#text.value = JSON.stringify(event, null, 2);
  }

  async #ask() {
    let event = null;
    try {
      event = JSON.parse(this.#text.value);
    } catch {
      this.#complain('This is not JSON.');
      return;
    }
    try {
      if (isTooLarge(event)) {
        this.#complain('This JSON is nested too deep.');
        return;
      }
      const path = this.#path(`what-if${hidesTexts() ? '?redact' : ''}`);
      const result = await call(path, { n: this.#n, event });
      if (result.ok) this.#tell(result);
      else this.#complain(result.message);
    } catch (error) {
      this.#complain(error.message);
    }
  }

  #complain(text) {
    show(this.#answer, h('p', { class: 'problem' }, text));
  }

  #tell({ frame, isHandled }) {
    this.#preview(frame);
    const state = stateName(frame.value);
    const started = frame.started.map(({ src }) => src).join(', ');
    show(
      this.#answer,
      h(
        'p',
        {},
        isHandled ? 'It would go to ' : 'It would not react, and stay in ',
        h('b', { 'data-what-if': state }, state),
        '.',
      ),
      started === '' ? null : h('p', {}, `It would start ${started}. Nothing was started.`),
      changes(frame.changed),
    );
  }
}

/** A value that JSON.stringify rejects (nested too deeply) cannot be sent; the core's own limit is lower. */
function isTooLarge(event) {
  try {
    return JSON.stringify(event) === undefined;
  } catch {
    return true;
  }
}

function labelOf(event) {
  const { decision, draft } = event.output ?? {};
  const action = decision?.action ?? (decision === null ? 'no rule' : draft ? 'a draft' : '');
  return `${eventName(event)}${action === '' ? '' : ` (${action})`}`;
}
