/** A small chat: sends a message as any other client does, and opens the job of the message. */
import { isSendKey, ui, View } from '#shared/page/ui';
import { messageOf, newKey, statusOf, submit, type Attempt, type ShownDraft } from './api.ts';

export interface ChatBoxOptions {
  /** The only user that may send; null: any user. */
  sender: string | null;
  onJob(jobId: string): void;
  /** This user's draft that the page shows: a reply applies to this draft only. */
  shownDraft(user: string): ShownDraft | null;
}

export class ChatBox extends View {
  readonly #options: ChatBoxOptions;
  #user: string;
  #text = '';
  #problem = '';
  /**
   * Key and draft of a message that failed and was put back into the box: the core may have received it, only the
   * response was lost.
   */
  #attempt: Attempt | null = null;

  constructor(options: ChatBoxOptions) {
    const submit = (event: SubmitEvent): void => {
      event.preventDefault();
      void this.#send();
    };
    super(ui`<form class="chat-box" aria-label="Chat" onsubmit=${submit} />`);
    this.#options = options;
    this.#user = options.sender ?? 'local';
    this.draw();
  }

  protected content() {
    const press = (event: KeyboardEvent): void => {
      if (!isSendKey(event)) return;
      event.preventDefault();
      void this.#send();
    };
    const typeUser = ({ currentTarget }: { currentTarget: HTMLInputElement }): void => {
      [this.#user, this.#attempt] = [currentTarget.value, null];
    };
    const type = ({ currentTarget }: { currentTarget: HTMLTextAreaElement }): void => {
      [this.#text, this.#attempt] = [currentTarget.value, null];
    };
    return ui`
      <input class="chat-user" aria-label="Send as user" maxlength="256" value=${this.#user}
        readOnly=${this.#options.sender !== null} oninput=${typeUser} />
      <textarea rows="1" placeholder="Send a message and watch it travel" aria-label="Message"
        value=${this.#text} oninput=${type} onkeydown=${press} />
      <button type="submit" class="primary">Send</button>
      <p role="alert" class="problem">${this.#problem}</p>`;
  }

  async #send(): Promise<void> {
    const message = this.#text;
    if (message.trim() === '') return;
    const user = this.#user || 'local';
    // A message that was put back is sent unchanged: with its key, for the draft that was shown then.
    const attempt = this.#attempt ?? {
      idempotency_key: newKey(),
      draft: this.#options.shownDraft(user),
    };
    [this.#attempt, this.#text, this.#problem] = [null, '', ''];
    this.draw();
    try {
      this.#options.onJob(await submit(message, user, attempt));
    } catch (error) {
      const isFree = this.#text === '';
      if (isFree) this.#text = message;
      // Refused for good: the next try gets a new key.
      const isRefused = statusOf(error) >= 400 && statusOf(error) < 429;
      if (isFree && !isRefused) this.#attempt = attempt;
      const text = messageOf(error);
      this.#problem = isFree ? text : `Not sent: “${message}”. ${text}`;
      this.draw();
    }
  }
}
