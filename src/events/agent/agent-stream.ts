/**
 * The reply to one prompt: follows its job, and writes what happens as chunks.
 *
 * A1 Every stored event of the job is handled once, in order, from the prompt on: the subscription starts before the
 *    stored events are read, and events that were read are skipped.
 * A2 The pieces of text make up the whole reply. Where a model started again, `{"type": "status", "data": "restart"}`
 *    comes before the new text.
 * A3 A draft is asked about only while it waits, and an answer applies to that draft only.
 * A4 Nothing here ends the job: a caller that is gone finds the reply in it.
 */
import { randomUUID } from 'node:crypto';
import type { NatsConnection, Subscription } from 'nats';
import { GatehouseError, messageOf } from '#shared/errors';
import type { Log } from '#shared/log';
import type { JobService, SubmitReceipt } from '#shared/wire/job-service';
import type { LiveSource } from '#shared/wire/live-source';
import type { StateEvent, TokenChunk } from '#shared/wire/state-event';
import type { AgentReply } from './agent-reply.ts';
import { parseAgentRequest } from './agent-request.ts';

/** The channel of prompts. */
export const agentChannel = 'agents';

export interface AgentStreamParts {
  nc: NatsConnection;
  jobService: JobService;
  /** The jobs of all workers, if there are several. */
  live: LiveSource;
  user: string;
  answerSubject(questionId: string): string;
  keepAliveMs: number;
  log: Log;
}

/** Questions about one draft whose answer could not be used. A program that answers nonsense must not be asked forever. */
const askedMax = 10;

/** Resolves when the reply has ended. The signal ends it: this process stops. */
export async function streamJob(
  parts: AgentStreamParts,
  reply: AgentReply,
  receipt: SubmitReceipt,
  signal: AbortSignal,
): Promise<void> {
  const stream = new AgentStream(parts, reply, receipt);
  const stop = (): void => stream.fail(new GatehouseError('GH_SERVER_STOPPING'));
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    await stream.follow();
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

class AgentStream {
  readonly #parts: AgentStreamParts;
  readonly #reply: AgentReply;
  readonly #jobId: string;
  readonly #ended = Promise.withResolvers<void>();
  /** Null when the stored events have been handled. */
  #buffered: (() => void)[] | null = [];
  #seq: number;
  /** The text of the present answer that was sent. */
  #sentText = '';
  #question: Subscription | null = null;
  #asked = 0;

  constructor(parts: AgentStreamParts, reply: AgentReply, receipt: SubmitReceipt) {
    this.#parts = parts;
    this.#reply = reply;
    this.#jobId = receipt.job_id;
    this.#seq = receipt.after_seq;
  }

  async follow(): Promise<void> {
    const { live, keepAliveMs } = this.#parts;
    const endLive = live.subscribe(this.#jobId, {
      event: (event) => this.#inOrder(() => this.#event(event, true)),
      token: (chunk) => this.#inOrder(() => this.#token(chunk)),
    });
    const soFar = live.textSoFar(this.#jobId);
    if (soFar !== null) this.#inOrder(() => this.#token(soFar));
    const timer = setInterval(() => void this.#keepAlive(), keepAliveMs);
    try {
      await this.#readStored();
      await this.#keepAlive(true);
      await this.#ended.promise;
    } catch (error) {
      this.fail(error);
    } finally {
      clearInterval(timer);
      endLive();
      this.#question?.unsubscribe();
    }
  }

  fail(error: unknown): void {
    if (!this.#reply.isEnded) this.#reply.fail(error, { job_id: this.#jobId });
    this.#ended.resolve();
  }

  #inOrder(handle: () => void): void {
    if (this.#buffered === null) handle();
    else this.#buffered.push(handle);
  }

  async #readStored(): Promise<void> {
    for (;;) {
      const events = await this.#parts.jobService.events(this.#jobId, this.#seq);
      for (const event of events) this.#event(event, event === events.at(-1));
      if (events.length === 0) break;
    }
    const buffered = this.#buffered ?? [];
    this.#buffered = null;
    for (const handle of buffered) handle();
  }

  /** `isNewest`: no later event of the job is known. */
  #event(event: StateEvent, isNewest: boolean): void {
    if (event.seq <= this.#seq || this.#reply.isEnded) return;
    this.#seq = event.seq;
    const { type, data } = event;
    if (type === 'processing' && data['queue'] !== undefined) this.#keepAliveWith(data['queue']);
    else if (type === 'result' && data['final'] === false && isNewest) {
      this.#asked = 0;
      this.#ask(String(data['content']), event.seq);
    } else if (type === 'done' || type === 'cancelled') {
      this.#finish(String(data['reply']), type === 'done' ? String(data['outcome']) : type);
    }
  }

  #token({ off, content }: TokenChunk): void {
    const known = this.#sentText.length;
    if (off === 0 && known > 0) this.#restart(content);
    // A gap is filled by the reply at the end.
    else if (off <= known) this.#send(content.slice(known - off));
  }

  #send(content: string): void {
    if (content === '') return;
    this.#sentText += content;
    this.#reply.text(content);
  }

  #restart(content: string): void {
    this.#sentText = '';
    this.#reply.status('restart');
    this.#reply.text('\n\n');
    this.#send(content);
  }

  #finish(text: string, outcome: string): void {
    const reply = this.#reply;
    if (text.startsWith(this.#sentText)) this.#send(text.slice(this.#sentText.length));
    else if (text.trim() !== this.#sentText.trim()) this.#restart(text);
    reply.status('done', { job_id: this.#jobId, outcome });
    if (outcome === 'failed') this.fail(new GatehouseError('GH_JOB_FAILED'));
    else reply.end();
    this.#ended.resolve();
  }

  async #keepAlive(onlyInQueue = false): Promise<void> {
    const { jobService, log } = this.#parts;
    let queue: unknown = null;
    try {
      ({ queue } = await jobService.get(this.#jobId));
    } catch (error) {
      log.debug({ job: this.#jobId, error: messageOf(error) }, 'no place in the queue is known');
    }
    if (queue !== null || !onlyInQueue) this.#keepAliveWith(queue);
  }

  #keepAliveWith(queue: unknown): void {
    const fields = queue === null ? {} : { queue };
    this.#reply.status('keepalive', { job_id: this.#jobId, ...fields });
  }

  #ask(prompt: string, draftSeq: number): void {
    const { nc, answerSubject, log } = this.#parts;
    const id = randomUUID();
    this.#question?.unsubscribe();
    // The subject cannot be guessed: only who reads the reply can answer.
    this.#question = nc.subscribe(answerSubject(id), {
      max: 1,
      callback: (error, message) => {
        if (error !== null) log.error({ error: error.message }, 'not allowed to ask');
        else void this.#answer(message.data, prompt, draftSeq);
      },
    });
    this.#asked += 1;
    this.#reply.query({ id, reply_subject: answerSubject(id), prompt });
  }

  async #answer(data: Uint8Array, prompt: string, draftSeq: number): Promise<void> {
    const { jobService, user } = this.#parts;
    try {
      const message = parseAgentRequest(data).prompt;
      const draft = { job_id: this.#jobId, draft_seq: draftSeq };
      const body = { message, user_id: user, channel: agentChannel, draft };
      await jobService.submit(body, { isDraftAnswer: true });
    } catch (error) {
      // The draft was decided elsewhere, or changed: what follows comes as an event.
      const isDecided = error instanceof GatehouseError && error.code === 'GH_JOB_CONFLICT';
      const isOver = this.#reply.isEnded || this.#seq !== draftSeq;
      if (isDecided || isOver || this.#asked >= askedMax) return;
      this.#ask(prompt, draftSeq);
    }
  }
}
