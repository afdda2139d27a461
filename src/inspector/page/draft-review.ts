/** A draft next to its memo: accept, edit or reject it; its versions and its history. */
import type { DocumentEvent } from '#shared/wire/document-event';
import type {
  DocumentView,
  DraftDetail,
  DraftOverview,
  VersionView,
} from '#shared/wire/document-views';
import { ui, View } from '#shared/page/ui';
import { call, hidesTexts, messageOf } from './api.ts';
import { moment, jsonOnDemand } from './format.ts';

interface Loaded {
  row: DocumentView;
  /** Newest first. */
  versions: VersionView[];
  detail: DraftDetail;
}

/** Unsaved text, and the version that it is based on. */
interface Typed {
  text: string;
  version: number | null;
}

export class DraftReview extends View {
  #id = '';
  #owner = '';
  readonly #user: string | null;
  #loaded: Loaded | null = null;
  /** By document. It is kept when another view is opened. */
  readonly #typed = new Map<string, Typed>();
  /** Whole texts of long versions, by version; loaded when they are opened. */
  readonly #wholeTexts = new Map<number, string>();
  /** Counts the requests: a late response to an old request is dropped. */
  #asked = 0;
  /** The document's entries in the overview. */
  #heard = '';
  #problem = '';
  readonly #onDecision: () => void;

  /** `user`: the user of the key; null: the operator's, who names the owner of the document. */
  constructor(user: string | null, onDecision: () => void) {
    super(ui`<div class="draft-review" />`);
    this.#user = user;
    this.#onDecision = onDecision;
    this.draw();
  }

  open(id: string, owner: string): void {
    if (id !== this.#id) this.#empty();
    [this.#id, this.#owner, this.#problem] = [id, owner, ''];
    this.draw();
    void this.#load();
  }

  close(): void {
    this.#id = '';
    this.#asked += 1;
    this.#empty();
  }

  /** For example when texts are hidden or shown again. */
  reload(): void {
    this.#empty();
    this.draw();
    if (this.#id !== '') void this.#load();
  }

  /** Receives the overview of all drafts whenever one changes: another client may have decided about this draft. */
  hear({ running, waiting, dead, drafted }: DraftOverview): void {
    const isOwn = (one: { document_id: string }): boolean => one.document_id === this.#id;
    const isRunning = running !== null && isOwn(running);
    const stands = [waiting.find(isOwn), dead.find(isOwn), drafted.find(isOwn)];
    const heard = JSON.stringify([this.#id, isRunning, ...stands]);
    const isNews = heard !== this.#heard;
    this.#heard = heard;
    if (isNews && this.#id !== '') void this.#load();
  }

  #empty(): void {
    this.#loaded = null;
    this.#wholeTexts.clear();
  }

  #get<Answer>(path: string): Promise<Answer> {
    const query = this.#user === null ? `?user_id=${encodeURIComponent(this.#owner)}` : '';
    return call<Answer>(`${path}${query}`);
  }

  async #load(): Promise<void> {
    this.#asked += 1;
    const mine = this.#asked;
    if (hidesTexts()) return;
    const id = encodeURIComponent(this.#id);
    try {
      const [row, { versions }, detail] = await Promise.all([
        this.#get<DocumentView>(`/documents/${id}`),
        this.#get<{ versions: VersionView[] }>(`/documents/${id}/versions`),
        this.#get<DraftDetail>(`/drafts/${id}`),
      ]);
      if (mine !== this.#asked) return;
      this.#loaded = { row, versions, detail };
    } catch (error) {
      if (mine !== this.#asked) return;
      this.#problem = messageOf(error);
    }
    this.draw();
  }

  async #loadVersion({ version, md_content: start }: VersionView): Promise<void> {
    if (this.#wholeTexts.has(version)) return;
    const id = this.#id;
    const path = `/documents/${encodeURIComponent(id)}/versions/${version}`;
    const answer = await this.#get<VersionView>(path).catch(() => null);
    if (id !== this.#id) return;
    this.#wholeTexts.set(version, answer?.md_content ?? `${start} […]`);
    this.draw();
  }

  /** The text of the draft as the core has it. */
  get #stored(): string {
    return this.#loaded?.row.md_content ?? '';
  }

  /** The version that is shown or was edited: a decision about another version is refused. */
  get #version(): number | null {
    const typed = this.#typed.get(this.#id);
    return typed === undefined ? (this.#loaded?.versions[0]?.version ?? null) : typed.version;
  }

  protected content() {
    const body = this.#loaded && this.#body(this.#loaded);
    const hidden = ui`<p class="note">Texts are hidden: there is nothing to read.</p>`;
    return ui`
      <a class="to-list" href="#/drafts">‹ Drafts</a>
      <div class="draft-body" tabindex="-1" key=${this.#id}>${hidesTexts() ? hidden : body}</div>
      <p role="alert" class="problem">${this.#problem}</p>`;
  }

  #body({ row, versions, detail }: Loaded) {
    const isOpen = row.md_draft_status === 'draft';
    const typed = this.#typed.get(this.#id);
    const text = (isOpen ? typed?.text : null) ?? this.#stored;
    return ui`
      <h2>${row.title}</h2>
      <p class="job-facts">
        <span class="pill ${isOpen ? 'asks' : ''}">${detail.state}</span>
        <span>${this.#owner}</span><code>${row.id}</code>
      </p>
      <div class="draft-sides">
        <section aria-label="Memo"><h3>Memo</h3><pre class="memo-text">${row.extracted_text}</pre></section>
        <section aria-label="Draft of it">
          <h3>Draft</h3>
          <textarea aria-label="Draft" class="draft-text" spellcheck=${false} readOnly=${!isOpen}
            value=${text} oninput=${this.#type} />
        </section>
      </div>
      ${isOpen ? this.#buttons(text) : typed && leftOver(typed)}
      <h3>Versions</h3>
      ${versions.map((version) => this.#versionOf(version))}
      <h3>How it came about</h3>
      <ol class="draft-events" aria-label="Events of the document">${detail.events.map(eventOf)}</ol>`;
  }

  #type = ({ currentTarget: { value } }: { currentTarget: HTMLTextAreaElement }): void => {
    if (value === this.#stored) this.#typed.delete(this.#id);
    else this.#typed.set(this.#id, { text: value, version: this.#version });
    this.draw();
  };

  /** Unsaved changes must be kept or taken back before the draft can be accepted. */
  #buttons(text: string) {
    const isChanged = text !== this.#stored;
    const button = (label: string, kind: string, disabled: boolean, onclick: () => void) =>
      ui`<button type="button" class=${kind} disabled=${disabled} onclick=${onclick}>${label}</button>`;
    const decide =
      (verb: string, body = {}) =>
      () =>
        void this.#decide(verb, body);
    return ui`<div class="job-actions">
      ${button('Accept the draft', 'primary', isChanged, decide('accept'))}
      ${button('Keep my changes', '', !isChanged, decide('edit', { md_content: text }))}
      ${button('Take back my changes', '', !isChanged, () => this.#takeBack())}
      ${button('Reject the draft', 'danger', false, decide('reject'))}
    </div>`;
  }

  #versionOf(version: VersionView) {
    const { version: n, made_by: by, status, at, md_content: start } = version;
    const load = (): void => {
      if (version.md_content_cut === true) void this.#loadVersion(version);
    };
    return ui`<details key=${n} ontoggle=${load}>
      <summary>${n}. ${by}, ${status}, ${moment(at)}</summary>
      <pre class="memo-text">${this.#wholeTexts.get(n) ?? start}</pre>
    </details>`;
  }

  #takeBack(): void {
    this.#typed.delete(this.#id);
    this.#problem = '';
    this.draw();
    this.element.querySelector('textarea')?.focus();
  }

  async #decide(verb: string, body: { md_content?: string }): Promise<void> {
    const id = this.#id;
    const base = this.#version === null ? {} : { base_version: this.#version };
    const owner = this.#user === null ? { user_id: this.#owner } : {};
    this.#problem = '';
    this.draw();
    try {
      const path = `/documents/${encodeURIComponent(id)}/draft/${verb}`;
      await call(path, { ...owner, ...base, ...body });
    } catch (error) {
      // The typed text stays in the box.
      this.#problem = messageOf(error);
      this.draw();
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
const leftOver = ({ text }: Typed) =>
  ui`<details open><summary>Typed here and not kept</summary><pre class="memo-text">${text}</pre></details>`;

/** Plain values of the data as text, nested values as JSON on demand. */
function eventOf({ seq, type, at, data }: DocumentEvent) {
  const entries = Object.entries(data).filter(([, value]) => value !== null);
  const plain = entries.filter(([, value]) => typeof value !== 'object');
  const words = plain
    .map(([key, value]) => `${key.replaceAll('_', ' ')} ${String(value)}`)
    .join(', ');
  return ui`<li key=${seq}>
    <b>${seq}. ${type}</b><span class="note"> ${moment(at)}</span>
    ${words !== '' && ui`<bdi>${` ${words}`}</bdi>`}
    ${plain.length < entries.length && jsonOnDemand(`Event ${seq} as JSON`, data)}
  </li>`;
}
