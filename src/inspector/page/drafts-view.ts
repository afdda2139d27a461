/**
 * The draft worker: the running draft, waiting drafts, drafts that were given up, and drafts that wait for a decision.
 */
import type { VNode } from 'preact';
import type { DraftOverview, DraftView, RunningView } from '#shared/wire/document-views';
import { host, ui, View, written } from '#shared/page/ui';
import { call, messageOf } from './api.ts';
import { DraftReview } from './draft-review.ts';
import { duration, moment } from './format.ts';

export class DraftsView extends View {
  #overview: DraftOverview | null = null;
  #isReviewing = false;
  readonly #review: DraftReview;
  #problem = '';

  /** `user`: the user of the key; null: the operator's. */
  constructor(user: string | null) {
    super(ui`<section class="drafts-view" aria-label="Drafts" tabindex="-1" />`);
    this.#review = new DraftReview(user, () => this.draw());
    this.draw();
  }

  /** `id`: the document whose draft to show; '' for the list. */
  open(id: string, owner: string): void {
    this.#isReviewing = id !== '';
    this.draw();
    if (this.#isReviewing) this.#review.open(id, owner);
    else this.#review.close();
  }

  take(overview: DraftOverview): void {
    this.#overview = overview;
    this.draw();
    this.#review.hear(overview);
  }

  /** For example when texts are hidden or shown again. */
  reload(): void {
    this.#overview = null;
    this.draw();
    this.#review.reload();
  }

  async #tell(path: string): Promise<void> {
    this.#problem = '';
    this.draw();
    try {
      await call(path, {});
    } catch (error) {
      this.#problem = messageOf(error);
      this.draw();
    }
  }

  protected content() {
    if (this.#isReviewing) return host([this.#review.element]);
    const overview = this.#overview;
    return ui`<div>
      <h2>Drafts</h2>
      <p role="alert" class="problem">${this.#problem}</p>
      ${overview === null ? ui`<p class="empty">Asking the core …</p>` : this.#lists(overview)}
    </div>`;
  }

  #lists(overview: DraftOverview) {
    const { running, drafted, waiting, dead } = overview;
    return ui`
      ${this.#headOf(overview)}
      ${running && runningOf(running)}
      <h3>To decide (${drafted.length})</h3>${draftedOf(drafted)}
      <h3>Waiting (${waiting.length})</h3>
      ${table('Waiting for a draft', waiting, ({ due_at: due }) =>
        due === null || Date.parse(due) <= Date.now()
          ? 'next'
          : `in ${duration(Date.parse(due) - Date.now())}`,
      )}
      <h3>Given up (${dead.length})</h3>
      ${table('Given up', dead, ({ document_id: id }) =>
        // Without `user_id`: the core takes the user from the key, and the operator's key may retry all drafts.
        this.#button('Try again', `/drafts/${id}/retry`),
      )}`;
  }

  #headOf({ state, paused, window, waiting, dead, interval_ms: intervalMs }: DraftOverview) {
    const hours = window.hours === null ? '' : ` · ${window.hours}`;
    const opens =
      window.open || window.opens_at === null ? '' : ` · opens ${moment(window.opens_at)}`;
    return ui`<p class="job-facts">
      <span class="pill ${paused ? 'asks' : 'good'}" data-state=${state}>${state}</span>
      <span>${waiting.length} waiting, ${dead.length} given up · looks every ${duration(intervalMs)}${hours}${opens}</span>
      ${paused ? this.#button('Resume', '/drafts/resume') : this.#button('Pause', '/drafts/pause')}
    </p>`;
  }

  #button = (label: string, path: string) =>
    ui`<button type="button" onclick=${() => void this.#tell(path)}>${label}</button>`;
}

/** Where texts are hidden, the owner is hidden too, so there is nothing to open. */
const link = (one: { document_id: string; title: string; user_id: string }) =>
  one.user_id.startsWith('[')
    ? one.title
    : ui`<a href="#/drafts/${one.document_id}/${encodeURIComponent(one.user_id)}" dir="auto">${one.title}</a>`;

function runningOf(one: RunningView) {
  const { chars, memo_chars: memoChars, section, sections } = one.progress;
  const words = [
    `${chars} characters of a memo of ${memoChars}`,
    sections > 1 ? `, part ${section} of ${sections}` : '',
    `, attempt ${one.attempt}, for ${duration(Date.now() - Date.parse(one.since))}`,
    one.preemptions > 0 ? `, gave way to people ${one.preemptions} ×` : '',
    one.waits_at_gate ? ', waits for the model server: others come first' : '',
  ];
  return ui`<article class="gate-card" aria-label="Being written">
    <p><b>${link(one)}</b> · ${written(one.user_id)}</p>
    <progress max=${Math.max(memoChars, 1)} value=${Math.min(chars, memoChars)} />
    <p class="note">${words.join('')}</p>
  </article>`;
}

const draftedOf = (drafted: DraftOverview['drafted']) =>
  drafted.length === 0
    ? ui`<p class="note">No draft waits for a decision.</p>`
    : ui`<ul class="drafted" aria-label="Drafts to decide">
        ${drafted.map(
          (one) =>
            ui`<li key=${one.document_id}>${link(one)}<span class="note"> ${written(one.user_id)} · ${moment(one.at)}</span></li>`,
        )}
      </ul>`;

/** `lastCell`: a state or a button. */
function table(label: string, rows: DraftView[], lastCell: (row: DraftView) => VNode | string) {
  if (rows.length === 0) return ui`<p class="note">None.</p>`;
  const heads = ['memo', 'user', 'characters', 'attempts', 'last error'];
  return ui`<table aria-label=${label}>
    <thead><tr>${heads.map((head) => ui`<th scope="col">${head}</th>`)}<td /></tr></thead>
    <tbody>
      ${rows.map(
        (one) => ui`<tr data-id=${one.document_id} key=${one.document_id}>
          <th scope="row">${link(one)}</th>
          <td data-label="user">${written(one.user_id)}</td>
          <td data-label="characters">${one.memo_chars}</td>
          <td data-label="attempts">${one.attempts}</td>
          <td class="wide" data-label="last error">${one.last_error && errorOf(one.last_error)}</td>
          <td>${lastCell(one)}</td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}

const errorOf = ({ message, code }: { message: string; code: string }) =>
  ui`<span>${written(message)} <code>${code}</code></span>`;
