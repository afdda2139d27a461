/**
 * A completion by a job: the message is submitted to the job service, and the job's published events become the
 * response.
 *
 * O1 The subscription starts before the message is submitted: no event of the job can be missed.
 * O2 A draft that waits for confirmation ends the response; the user's yes or no comes as the next message.
 * O3 A client that disconnects cancels the job that its message opened. It does not cancel a job that its message only
 *    replied to (a write may have begun), and a shutdown of this process cancels nothing: jobs continue after the
 *    restart.
 */
import type { JobService } from '#shared/wire/job-service';
import type { QueuePosition } from '#machines/job-types';
import type { StateEvent, TokenChunk } from '#shared/wire/state-event';
import { queueNote, type CompletionResponse } from './openai-response.ts';
import type { CompletionCall } from './openai-request.ts';
import type { CompletionEnd } from './openai-shapes.ts';

interface JobListener {
  event(event: StateEvent): void;
  token(chunk: TokenChunk): void;
}

/** Job events within this process. */
export interface JobEventFeed {
  /** `jobId` null: the events of all jobs. Returns the unsubscribe function. */
  subscribe(jobId: string | null, listener: JobListener): () => void;
}

export interface JobCompletion {
  jobService: JobService;
  jobEvents: JobEventFeed;
  /** Whether the process is shutting down. */
  isStopping: () => boolean;
}

/**
 * Resolves with the end of the response, or null when the client has disconnected.
 * @throws what `JobService.submit` throws
 */
export async function completeByJob(
  parts: JobCompletion,
  call: CompletionCall,
  response: CompletionResponse,
  clientAbort: AbortSignal,
): Promise<CompletionEnd | null> {
  const { jobService, jobEvents } = parts;
  const writer = new JobResponseWriter(response);
  const { message, user, channel, traceparent } = call;
  let unsubscribe = jobEvents.subscribe(null, writer);
  try {
    const { job_id: jobId } = await jobService.submit(
      { message, user_id: user, channel },
      { traceparent },
    );
    unsubscribe();
    unsubscribe = jobEvents.subscribe(jobId, writer);
    writer.selectJob(jobId);
    const end = await Promise.race([writer.ended, aborted(clientAbort)]);
    if (end === null && writer.hasOpenedJob && !parts.isStopping()) {
      // Rejects when the job has just ended: then there is nothing left to cancel.
      await jobService.cancel(jobId, 'user').catch(() => undefined);
    }
    return end;
  } finally {
    unsubscribe();
  }
}

const aborted = (signal: AbortSignal): Promise<null> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(null);
    else signal.addEventListener('abort', () => resolve(null), { once: true });
  });

/** Writes the events of one job to the response; buffers all events until `selectJob`. */
class JobResponseWriter implements JobListener {
  readonly ended: Promise<CompletionEnd>;
  /** The message of this call opened the job. */
  hasOpenedJob = false;
  readonly #response: CompletionResponse;
  readonly #end: (end: CompletionEnd) => void;
  #jobId: string | null = null;
  #buffered: (() => void)[] = [];
  #shownChars = 0;

  constructor(response: CompletionResponse) {
    this.#response = response;
    const { promise, resolve } = Promise.withResolvers<CompletionEnd>();
    this.ended = promise;
    this.#end = resolve;
  }

  selectJob(jobId: string): void {
    this.#jobId = jobId;
    for (const replay of this.#buffered.splice(0)) replay();
  }

  event(event: StateEvent): void {
    if (this.#jobId === null) this.#buffered.push(() => this.event(event));
    else if (event.job_id === this.#jobId) this.#handleEvent(event);
  }

  token(chunk: TokenChunk): void {
    if (this.#jobId === null) {
      this.#buffered.push(() => this.token(chunk));
      return;
    }
    if (chunk.job_id !== this.#jobId) return;
    // An offset of 0 after text: another model starts the answer again.
    const replaces = chunk.off === 0 && this.#shownChars > 0;
    this.#shownChars = chunk.off + chunk.content.length;
    this.#response.text(chunk.content, replaces);
  }

  #handleEvent({ type, data, seq, job_id: jobId }: StateEvent): void {
    const finish = (text: unknown, outcome: unknown): void =>
      this.#end({
        text: String(text),
        toolCalls: [],
        finishReason: 'stop',
        usage: null,
        about: { job_id: jobId, outcome },
      });
    if (type === 'ack' && seq === 1) this.hasOpenedJob = true;
    else if (type === 'processing') this.#note(data);
    else if (type === 'result' && data['final'] === false) finish(data['content'], 'asked');
    else if (type === 'done') finish(data['reply'], data['outcome']);
    else if (type === 'cancelled') finish(data['reply'], 'cancelled');
  }

  #note(data: StateEvent['data']): void {
    const queue = data['queue'] as QueuePosition | undefined;
    this.#response.note(queue === undefined ? oneLine(data['message']) : queueNote(queue));
  }
}

/** A comment of an SSE stream must be one line. */
const oneLine = (text: unknown): string => String(text).replace(/\s+/g, ' ');
