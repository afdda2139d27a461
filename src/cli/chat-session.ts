/**
 * A conversation at a terminal. At any moment it prompts for a line, sends a message, or follows its job.
 *
 * V1 A reply answers only the draft on the screen: each message names the draft that was shown (`draft` in POST /chat),
 *    or states that there was none.
 * V2 A line that was entered before a draft was shown is not an answer to it: it is put back into the line.
 * V3 A text is sent, put back into the line, or printed as not sent.
 */
import { randomUUID } from 'node:crypto';
import type { SubmitReceipt } from '#shared/wire/job-service';
import { messageOf } from '#shared/errors';
import { isCancelRequest, parseConsent } from '#language/rules/consent';
import type { Locale } from '#machines/texts';
import type { ChatHistory } from './chat-history.ts';
import { chatTexts, localeAfter, machineLocale, type ChatTexts } from './chat-texts.ts';
import { CommandError, RefusedError, type CoreClient } from '#http/client/core-client';
import { followJob, type Followed, type FollowedJob } from './followed-job.ts';
import type { Line, LineEditor } from './line-editor.ts';
import { isRetryable, submitWithRetry } from './submit-with-retry.ts';
import { ShownDrafts, fetchWaitingDrafts, type ShownDraft } from './shown-drafts.ts';
import { sanitizeForTerminal } from './terminal.ts';

export interface ChatSessionOptions {
  client: CoreClient;
  userId: string | undefined;
  json: boolean;
  history: ChatHistory;
}

interface UnsentMessage {
  text: string;
  key: string;
  draft: Draft;
  thread: string | null;
}

/** As in the body of POST /chat. */
type Draft = { job_id: string; draft_seq: number } | null;

const command = /^\/\p{L}+\s*$/u;

export class ChatSession {
  readonly #options: ChatSessionOptions;
  readonly #drafts: ShownDrafts;
  #editor!: LineEditor;
  #locale: Locale = machineLocale();
  #thread: string | null = null;
  /** A text that was put back: the core may have received it, if only the response was lost. */
  #unsent: UnsentMessage | null = null;
  #sending: AbortController | null = null;
  #job: (FollowedJob & { id: string; isCancelling: boolean }) | null = null;
  /** Notices that arrived while an answer was being written; printed after it. */
  #notices: string[] = [];
  /** The last draft ended while its prompt was shown: the next yes or no was meant for it. */
  #isDraftOver = false;
  #isInterrupted = false;
  #isLeft = false;

  constructor(options: ChatSessionOptions) {
    this.#options = options;
    this.#drafts = new ShownDrafts(options.client, {
      changed: (draft) =>
        this.#notice(`${this.#texts.draftChanged}\n${sanitizeForTerminal(draft.content)}`),
      over: (_draft, how) => {
        this.#isDraftOver = true;
        this.#notice(this.#texts.draftOver(sanitizeForTerminal(how)));
      },
      unwatched: (why) => this.#notice(why),
    });
  }

  /**
   * Runs until the user leaves; with `first` only until the draft of that message is decided. Returns the exit code.
   */
  async run(editor: LineEditor, first: { text: string; sent: Followed } | null): Promise<number> {
    this.#editor = editor;
    editor.ended.addEventListener('abort', () => this.#end());
    if (first === null) await this.#greet();
    else {
      this.#locale = localeAfter(first.text, this.#locale);
      this.#rememberDraft(first.sent);
    }
    let outcome: string | null = null;
    while (!this.#isLeft && (first === null || this.#drafts.last !== null)) {
      const line = await editor.next(this.#question);
      if (line === null) break;
      if (line.text.trim() !== '') outcome = await this.#handleLine(line);
    }
    this.#drafts.clear();
    this.#printUnsent();
    return first !== null && outcome === 'failed' ? 1 : 0;
  }

  /** Handles Ctrl-C, except when it clears a line. */
  interrupt(): void {
    if (this.#sending !== null) this.#sending.abort();
    else if (this.#job !== null) this.#cancelJob();
    else if (this.#isInterrupted) this.#editor.close();
    else {
      this.#isInterrupted = true;
      this.#notice(this.#texts.again);
    }
  }

  /** Handles a line entered without a prompt: a cancel request applies to the running job. */
  handleLineWhileBusy(text: string): boolean {
    if (this.#job === null || !(/^\/cancel\s*$/.test(text) || isCancelRequest(text))) return false;
    if (!this.#job.isCancelling) this.#cancelJob();
    return true;
  }

  get #texts(): ChatTexts {
    return chatTexts(this.#locale);
  }

  get #question(): string {
    return this.#drafts.last === null ? this.#texts.you : this.#texts.decide;
  }

  async #greet(): Promise<void> {
    const { client, userId, history } = this.#options;
    this.#notice(this.#texts.greeting);
    if (history.error !== null) this.#notice(this.#texts.historyFault(history.error));
    // If the core cannot be reached now, the first message reports it.
    const waiting = await fetchWaitingDrafts(client, userId).catch(() => []);
    for (const draft of waiting) {
      this.#locale = localeAfter(draft.content, this.#locale);
      this.#notice(`${this.#texts.waits}\n${sanitizeForTerminal(draft.content)}`);
      this.#drafts.add(draft);
    }
  }

  async #handleLine(line: Line): Promise<string | null> {
    const { text, isTypeAhead: isAhead } = line;
    this.#isInterrupted = false;
    if (command.test(text)) {
      await this.#runSlashCommand(text.trim());
      return null;
    }
    const shown = this.#drafts.last;
    const isAnswer = parseConsent(text) !== null;
    if (isAnswer && shown !== null && isAhead) {
      this.#editor.putBack(text);
      this.#notice(this.#texts.ahead);
      return null;
    }
    if (isAnswer && shown === null && this.#isDraftOver) {
      this.#isDraftOver = false;
      this.#notice(this.#texts.notSentOver);
      return null;
    }
    this.#isDraftOver = false;
    if (!isAnswer) this.#locale = localeAfter(text, this.#locale);
    if (!isAnswer || shown === null) this.#options.history.add(text);
    return this.#send(text, isAhead ? null : shown);
  }

  async #send(text: string, shown: ShownDraft | null): Promise<string | null> {
    const draft = shown === null ? null : { job_id: shown.jobId, draft_seq: shown.seq };
    const thread = shown === null ? this.#thread : shown.thread;
    const again = this.#unsent?.text === text ? this.#unsent : null;
    const message = again ?? { text, key: randomUUID(), draft, thread };
    this.#unsent = null;
    const accepted = await this.#submit(message);
    if (accepted === null) return null;
    this.#drafts.drop(accepted.job_id);
    const sent = await this.#follow({ ...accepted, thread: message.thread });
    if (sent === null) return null;
    this.#rememberDraft(sent);
    const last = this.#drafts.last;
    if (sent.draft === null && last !== null && !this.#isLeft) {
      this.#notice(`${this.#texts.waits}\n${sanitizeForTerminal(last.content)}`);
    }
    return sent.outcome;
  }

  /** Null: the text was put back into the line. */
  async #submit(message: UnsentMessage): Promise<SubmitReceipt | null> {
    const { client, userId } = this.#options;
    const sending = new AbortController();
    this.#sending = sending;
    const body = {
      message: message.text,
      user_id: userId,
      channel: 'terminal',
      idempotency_key: message.key,
      draft: message.draft,
      ...(message.thread === null ? {} : { thread: message.thread }),
    };
    try {
      return await submitWithRetry(client, body, {
        signal: sending.signal,
        onRetry: (why) => this.#notice(this.#texts.again429(why)),
      });
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      const isOver = message.draft !== null && error instanceof RefusedError;
      if (isOver && error.code === 'GH_JOB_CONFLICT') {
        this.#notice(this.#texts.draftGone);
        return null;
      }
      if (isRetryable(error)) this.#unsent = message;
      this.#editor.putBack(message.text);
      this.#notice(this.#texts.putBack(error.message));
      return null;
    } finally {
      this.#sending = null;
      this.#flush();
    }
  }

  async #follow(accepted: SubmitReceipt & { thread: string | null }): Promise<Followed | null> {
    const { client, json } = this.#options;
    const job = followJob(client, accepted, json, this.#texts);
    this.#job = { ...job, id: accepted.job_id, isCancelling: false };
    try {
      return await job.ended;
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      this.#notice(`${error.message}\n${this.#texts.goesOn(accepted.job_id)}`);
      return null;
    } finally {
      this.#job = null;
      this.#flush();
    }
  }

  #rememberDraft({ draft }: Followed): void {
    if (draft !== null && !this.#isLeft) this.#drafts.add(draft);
  }

  /** First call: cancels the job. Second call: stops following it, for a core that does not answer. */
  #cancelJob(): void {
    const job = this.#job!;
    if (job.isCancelling) {
      this.#notice(this.#texts.goesOn(job.id));
      job.leave();
      return;
    }
    job.isCancelling = true;
    this.#options.client.controlJob(job.id, 'cancel').catch((error: unknown) => {
      // The job has ended in the meantime.
      if (error instanceof RefusedError && error.code === 'GH_JOB_CONFLICT') return;
      this.#notice(this.#texts.notCancelled(messageOf(error)));
    });
  }

  async #runSlashCommand(name: string): Promise<void> {
    switch (name) {
      case '/help':
        return this.#notice(this.#texts.help);
      case '/quit':
        return this.#editor.close();
      case '/new':
        if (this.#drafts.last !== null) this.#notice(this.#texts.draftStays);
        this.#drafts.clear();
        this.#thread = randomUUID();
        return this.#notice(this.#texts.fresh);
      case '/cancel': {
        const shown = this.#drafts.last;
        if (shown === null) return this.#notice(this.#texts.nothingRuns);
        this.#drafts.drop(shown.jobId);
        try {
          await this.#options.client.controlJob(shown.jobId, 'cancel');
        } catch (error) {
          this.#drafts.add(shown);
          return this.#notice(this.#texts.notCancelled(messageOf(error)));
        }
        await this.#follow({ job_id: shown.jobId, after_seq: shown.seq, thread: shown.thread });
        return;
      }
      default:
        return this.#notice(this.#texts.unknownCommand(name));
    }
  }

  /** Printed above the current prompt; while an answer is streamed, after it. */
  #notice(text: string): void {
    this.#notices.push(text);
    if (this.#job === null) this.#flush();
  }

  #flush(): void {
    const notices = this.#notices.splice(0);
    if (notices.length === 0) return;
    this.#editor.printAbove(() => process.stderr.write(`${notices.join('\n')}\n`));
    this.#editor.showPrompt(this.#question);
  }

  #end(): void {
    this.#isLeft = true;
    this.#sending?.abort();
    if (this.#job === null) return;
    this.#notice(this.#texts.goesOn(this.#job.id));
    this.#job.leave();
  }

  #printUnsent(): void {
    const texts = [
      ...(this.#unsent === null ? [] : [this.#unsent.text]),
      ...this.#editor.unreadLines,
    ];
    if (texts.length === 0) return;
    process.stderr.write(`${this.#texts.unsent(texts.length)}\n${texts.join('\n')}\n`);
  }
}
