/** People: a one-time code with its QR code for the phone of a person, and the browsers that are signed in. */
import type { InviteView, ListedSession, SessionPage } from '#shared/wire/session-service';
import { ui, written } from '#shared/page/ui';
import { PolledView } from './polled-view.ts';
import { call, messageOf } from './api.ts';
import { moment } from './format.ts';

/** The page asks again at this interval while the view is shown. */
const lookMs = 5_000;

export class PeopleView extends PolledView {
  /** The user of the key; null: the operator's. */
  readonly #user: string | null;
  #sessions: ListedSession[] | null = null;
  #isMore = false;
  #invite: InviteView | null = null;
  /** The session whose end waits for a second click. */
  #asked = '';
  #problem = '';

  constructor(user: string | null) {
    super(
      ui`<section class="drafts-view people-view" aria-label="People" tabindex="-1" />`,
      lookMs,
    );
    this.#user = user;
    this.draw();
  }

  open(): void {
    this.#asked = '';
    this.draw();
    this.poll();
  }

  override close(): void {
    super.close();
    // A code is not left on a page that somebody opens again.
    this.#invite = null;
  }

  protected async look(): Promise<void> {
    try {
      const page = await call<SessionPage>('/sessions?limit=200');
      this.#sessions = page.sessions;
      this.#isMore = page.next !== null;
      if (this.#invite !== null && Date.parse(this.#invite.expires_at) < Date.now()) {
        this.#invite = null;
      }
    } catch (error) {
      this.#problem = messageOf(error);
    }
    this.draw();
  }

  async #change(work: () => Promise<unknown>): Promise<void> {
    this.#asked = '';
    this.#problem = '';
    try {
      await work();
    } catch (error) {
      this.#problem = messageOf(error);
    }
    await this.look();
  }

  readonly #make = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = new FormData(event.target as HTMLFormElement);
    const person = this.#user ?? String(form.get('person') ?? '').trim();
    if (person === '') return;
    this.#invite = null;
    void this.#change(async () => {
      this.#invite = await call<InviteView>('/invites', { user_id: person });
    });
  };

  #end(id: string): void {
    if (this.#asked !== id) {
      this.#asked = id;
      return this.draw();
    }
    const path = `/sessions/${encodeURIComponent(id)}`;
    void this.#change(() => call(path, undefined, undefined, 'DELETE'));
  }

  protected content() {
    return ui`<div>
      <h2>People</h2>
      <p role="alert" class="problem">${this.#problem}</p>
      <form class="new-fact" onsubmit=${this.#make}>
        ${
          this.#user === null
            ? ui`<label>Person <input name="person" required maxlength="256" autocomplete="off" autocapitalize="none" /></label>`
            : ui`<span>Your other phone</span>`
        }
        <button type="submit">Invite</button>
      </form>
      <div aria-live="polite">${this.#shownInvite()}</div>
      ${this.#list()}
    </div>`;
  }

  #shownInvite() {
    const made = this.#invite;
    if (made === null) return null;
    const image = `data:image/svg+xml,${encodeURIComponent(made.qr)}`;
    return ui`<figure class="invite">
      <img src=${image} width="200" height="200" alt="QR code of the address with this code" />
      <figcaption>
        <strong class="code">${made.code}</strong>
        <span>signs in ${written(made.name ?? made.user_id)}, once, until ${moment(made.expires_at)}</span>
        <span>at ${made.url.split('#')[0]}</span>
      </figcaption>
    </figure>`;
  }

  #list() {
    const all = this.#sessions;
    if (all === null) return ui`<p class="empty">Asking the core …</p>`;
    if (all.length === 0) return ui`<p class="note">Nobody is signed in by a browser.</p>`;
    const heads = ['person', 'device', 'by', 'since', 'last used'];
    return ui`<h3>Signed in (${all.length}${this.#isMore ? ', and more' : ''})</h3>
      <table aria-label="Sessions">
        <thead><tr>${heads.map((head) => ui`<th scope="col">${head}</th>`)}<td /></tr></thead>
        <tbody>${all.map((one) => this.#row(one))}</tbody>
      </table>`;
  }

  #row(one: ListedSession) {
    const isAsked = this.#asked === one.session_id;
    const who = one.user_id === null ? 'the operator' : (one.name ?? one.user_id);
    return ui`<tr data-id=${one.session_id} key=${one.session_id}>
      <th scope="row">${written(who)}</th>
      <td>${one.device}${one.current ? ' (here)' : ''}</td>
      <td>${one.made_with}</td>
      <td>${moment(one.created_at)}</td>
      <td>${moment(one.last_used_at)}</td>
      <td><button type="button" onclick=${() => this.#end(one.session_id)}>${isAsked ? 'Sign out?' : 'End'}</button></td>
    </tr>`;
  }
}
