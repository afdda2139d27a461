/** "What if": applies another event to a copy of the job at the step that is shown. Nothing is executed. */
import type { ComponentChildren } from 'preact';
import type { JournalEvent } from '#jobs/job-store-port';
import { ui, View } from '#shared/page/ui';
import type { ReplayFrame, WhatIf } from '../page-messages.ts';
import { call, hidesTexts, messageOf } from './api.ts';
import { changes } from './detail-panels.ts';
import { eventName, stateName } from './format.ts';

export class WhatIfPanel extends View {
  #at = '';
  #jobId = '';
  #n = 0;
  #choices: JournalEvent[] | null = null;
  #chosen = 0;
  /** The event as JSON; the user may change it. */
  #text = '';
  #answer: ComponentChildren = null;
  readonly #preview: (frame: ReplayFrame) => void;

  constructor(preview: (frame: ReplayFrame) => void) {
    super(ui`<div class="what-if" />`);
    this.#preview = preview;
  }

  /** Filled again only for another step: the user may be typing. */
  show(jobId: string, { n }: ReplayFrame): void {
    const at = `${jobId}/${n}`;
    if (this.#at === at) return;
    this.reset();
    [this.#at, this.#jobId, this.#n] = [at, jobId, n];
    this.draw();
    void this.#loadChoices();
  }

  reset(): void {
    [this.#at, this.#text, this.#answer] = ['', '', null];
  }

  protected content() {
    const isOver = this.#choices?.length === 0;
    const choose = ({ currentTarget }: { currentTarget: HTMLSelectElement }): void => {
      this.#fill(Number(currentTarget.value));
      this.draw();
    };
    const type = ({ currentTarget }: { currentTarget: HTMLTextAreaElement }): void => {
      this.#text = currentTarget.value;
    };
    const intro = isOver
      ? 'The job had ended at this step: no event changes it any more.'
      : `A copy of the job as it was after step ${this.#n} gets another event.`;
    return ui`
      <h3>What if</h3>
      <p class="note">${this.#choices && intro}</p>
      <label for="what-if-event">Event</label>
      <select id="what-if-event" value=${this.#chosen} onchange=${choose}>
        ${this.#choices?.map((event, index) => ui`<option value=${index}>${labelOf(event)}</option>`)}
      </select>
      <details class="on-demand">
        <summary>Change the event</summary>
        <label for="what-if-json">As JSON</label>
        <textarea id="what-if-json" rows="8" spellcheck=${false} value=${this.#text} oninput=${type} />
      </details>
      <button type="button" class="primary" disabled=${isOver} onclick=${() => void this.#ask()}>Send it to a copy</button>
      <div class="what-if-answer" role="status">${this.#answer}</div>`;
  }

  #path(what: string): string {
    return `/inspect/api/jobs/${encodeURIComponent(this.#jobId)}/${what}`;
  }

  async #loadChoices(): Promise<void> {
    const at = this.#at;
    const answer = call<{ choices: JournalEvent[] }>(this.#path(`choices?n=${this.#n}`));
    const { choices } = await answer.catch(() => ({ choices: [] }));
    if (at !== this.#at) return;
    this.#choices = choices;
    this.#fill(0);
    this.draw();
  }

  #fill(chosen: number): void {
    this.#chosen = chosen;
    this.#text = JSON.stringify(this.#choices?.[chosen] ?? { type: '' }, null, 2);
  }

  async #ask(): Promise<void> {
    const at = this.#at;
    const result = await this.#resultOf(this.#text);
    // The user may have moved to another step while the request ran.
    if (at !== this.#at) return;
    if (result.ok) this.#preview(result.frame);
    this.#answer = result.ok ? told(result) : ui`<p class="problem">${result.message}</p>`;
    this.draw();
  }

  async #resultOf(text: string): Promise<WhatIf> {
    const event = parsed(text);
    if (event === undefined) return { ok: false, message: 'This is not JSON.' };
    if (isTooDeep(event)) return { ok: false, message: 'This JSON is nested too deep.' };
    const path = this.#path(`what-if${hidesTexts() ? '?redact' : ''}`);
    return call<WhatIf>(path, { n: this.#n, event }).catch((error: unknown) => ({
      ok: false,
      message: messageOf(error),
    }));
  }
}

function told({ frame, isHandled }: Extract<WhatIf, { ok: true }>) {
  const state = stateName(frame.value);
  const started = frame.started.map(({ src }) => src).join(', ');
  const words = isHandled ? 'It would go to ' : 'It would not react, and stay in ';
  return ui`
    <p>${words}<b data-what-if=${state}>${state}</b>.</p>
    ${started !== '' && ui`<p>It would start ${started}. Nothing was started.</p>`}
    ${changes(frame.changed)}`;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A value that JSON.stringify rejects cannot be sent; the core's own limit is lower. */
function isTooDeep(event: unknown): boolean {
  try {
    return JSON.stringify(event) === undefined;
  } catch {
    return true;
  }
}

function labelOf(event: JournalEvent): string {
  const { decision, draft } = (event['output'] ?? {}) as {
    decision?: { action: string } | null;
    draft?: unknown;
  };
  const action = decision?.action ?? (decision === null ? 'no rule' : draft ? 'a draft' : '');
  return `${eventName(event)}${action === '' ? '' : ` (${action})`}`;
}
