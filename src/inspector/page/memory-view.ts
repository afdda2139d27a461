/** The memory: what people have asked to remember; find, add, and forget for good. */
import type { FactPage, FactView } from '#shared/wire/memory-service';
import { ui, written } from '#shared/page/ui';
import { PolledView } from './polled-view.ts';
import { askSession, call, hidesTexts, messageOf } from './api.ts';
import { moment } from './format.ts';

/** The page asks again at this interval while the view is shown. */
const lookMs = 5_000;

export class MemoryView extends PolledView {
  #facts: FactView[] | null = null;
  #isMore = false;
  /** The fact whose forgetting waits for a second click. */
  #asked = '';
  #problem = '';
  /** The configuration shows only lengths of texts; null: not asked yet. */
  #isRedacted: boolean | null = null;

  constructor() {
    super(
      ui`<section class="drafts-view memory-view" aria-label="Memory" tabindex="-1" />`,
      lookMs,
    );
    this.draw();
  }

  open(): void {
    this.#asked = '';
    this.draw();
    this.poll();
  }

  protected async look(): Promise<void> {
    try {
      this.#isRedacted ??= (await askSession()).redaction === 'texts';
      const page = await call<FactPage>('/memory?limit=200');
      this.#facts = page.facts;
      this.#isMore = page.next !== null;
      this.#problem = '';
    } catch (error) {
      this.#problem = messageOf(error);
    }
    this.draw();
  }

  async #change(work: () => Promise<unknown>): Promise<void> {
    this.#asked = '';
    try {
      await work();
      await this.look();
    } catch (error) {
      this.#problem = messageOf(error);
      this.draw();
    }
  }

  readonly #add = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.target as HTMLFormElement;
    const text = String(new FormData(form).get('text') ?? '').trim();
    if (text === '') return;
    // Without `user_id`: the core takes the user from the key.
    void this.#change(async () => {
      await call('/memory', { text });
      form.reset();
    });
  };

  #forget(id: string): void {
    if (this.#asked !== id) {
      this.#asked = id;
      return this.draw();
    }
    const path = `/memory/${encodeURIComponent(id)}`;
    void this.#change(() => call(path, undefined, undefined, 'DELETE'));
  }

  protected content() {
    return ui`<div>
      <h2>Memory</h2>
      <p role="alert" class="problem">${this.#problem}</p>
      <form class="new-fact" onsubmit=${this.#add}>
        <label>Remember <input name="text" maxlength="500" dir="auto" autocomplete="off" /></label>
        <button type="submit">Add</button>
      </form>
      ${this.#list()}
    </div>`;
  }

  #list() {
    const all = this.#facts;
    if (all === null) return ui`<p class="empty">Asking the core …</p>`;
    if (all.length === 0) return ui`<p class="note">Nothing is remembered.</p>`;
    const heads = ['fact', 'person', 'told', 'by'];
    return ui`<h3>Facts (${all.length}${this.#isMore ? ', and more' : ''})</h3>
      <table aria-label="Facts">
        <thead><tr>${heads.map((head) => ui`<th scope="col">${head}</th>`)}<td /></tr></thead>
        <tbody>${all.map((one) => this.#row(one))}</tbody>
      </table>`;
  }

  #row(one: FactView) {
    const isAsked = this.#asked === one.memory_id;
    const text =
      this.#isRedacted !== false || hidesTexts() ? `[${one.text.length} characters]` : one.text;
    const origin =
      one.job_id === null
        ? one.created_by
        : ui`<a href="#/jobs/${one.job_id}">${one.created_by}</a>`;
    return ui`<tr data-id=${one.memory_id} key=${one.memory_id}>
      <th scope="row" dir="auto">${text}</th>
      <td>${written(one.user_id)}</td>
      <td>${moment(one.created_at)}</td>
      <td>${origin}</td>
      <td><button type="button" onclick=${() => this.#forget(one.memory_id)}>${isAsked ? 'For good?' : 'Forget'}</button></td>
    </tr>`;
  }
}
