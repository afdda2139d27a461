/**
 * A completion by a whole job: the message goes through the door like any other, and what the world is told
 * of the job becomes the answer.
 *
 * O1 The job is listened to from before its message is accepted: nothing of it can be missed.
 * O2 A draft that waits for its owner ends the answer; the owner's yes or no comes as the next message.
 * O3 A client that goes away cancels the job it opened. It cancels neither a job to which it only said a word
 *    (a write may have begun), nor anything because this process stops: jobs go on after the restart.
 */
import type { JobDoor } from '../contract/door.ts';
import type { QueuePosition } from '../contract/model.ts';
import type { StateEvent, TokenChunk } from '../contract/state-event.ts';
import { queueNote, type Answer } from './openai-answer.ts';
import type { CompletionCall } from './openai-request.ts';
import type { AnswerEnd } from './openai-shapes.ts';

interface JobListener {
  event(event: StateEvent): void;
  token(chunk: TokenChunk): void;
}

/** What is told of jobs inside this process. */
export interface JobNews {
  /** `jobId` null: of every job. Returns the way out. */
  subscribe(jobId: string | null, listener: JobListener): () => void;
}

export interface JobCompletion {
  door: JobDoor;
  news: JobNews;
  /** Whether the process is about to stop. */
  isStopping: () => boolean;
}

/**
 * Resolves with the end of the answer, or null when the client has gone.
 * @throws what `JobDoor.submit` throws
 */
export async function completeByJob(
  parts: JobCompletion,
  call: CompletionCall,
  answer: Answer,
  gone: AbortSignal,
): Promise<AnswerEnd | null> {
  const { door, news } = parts;
  const follower = new Follower(answer);
  const { message, user, channel, traceparent } = call;
  let unsubscribe = news.subscribe(null, follower);
  try {
    const { job_id: jobId } = await door.submit(
      { message, user_id: user, channel },
      { traceparent },
    );
    unsubscribe();
    unsubscribe = news.subscribe(jobId, follower);
    follower.focus(jobId);
    const end = await Promise.race([follower.ended, aborted(gone)]);
    if (end === null && follower.isOpener && !parts.isStopping()) {
      // Refused when the job has just ended: then there is nothing left to cancel.
      await door.cancel(jobId, 'user').catch(() => undefined);
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

/** Turns the news of one job into an answer; until it knows which, it keeps all. */
class Follower implements JobListener {
  readonly ended: Promise<AnswerEnd>;
  /** The job began with the message of this call. */
  isOpener = false;
  readonly #answer: Answer;
  readonly #end: (end: AnswerEnd) => void;
  #jobId: string | null = null;
  #early: (() => void)[] = [];
  #shownChars = 0;

  constructor(answer: Answer) {
    this.#answer = answer;
    const { promise, resolve } = Promise.withResolvers<AnswerEnd>();
    this.ended = promise;
    this.#end = resolve;
  }

  focus(jobId: string): void {
    this.#jobId = jobId;
    for (const tell of this.#early.splice(0)) tell();
  }

  event(event: StateEvent): void {
    if (this.#jobId === null) this.#early.push(() => this.event(event));
    else if (event.job_id === this.#jobId) this.#take(event);
  }

  token(chunk: TokenChunk): void {
    if (this.#jobId === null) {
      this.#early.push(() => this.token(chunk));
      return;
    }
    if (chunk.job_id !== this.#jobId) return;
    // An offset of 0 after text: the answer begins again, by another model.
    const replaces = chunk.off === 0 && this.#shownChars > 0;
    this.#shownChars = chunk.off + chunk.content.length;
    this.#answer.text(chunk.content, replaces);
  }

  #take({ type, data, seq, job_id: jobId }: StateEvent): void {
    const finish = (text: unknown, outcome: unknown): void =>
      this.#end({
        text: String(text),
        toolCalls: [],
        finishReason: 'stop',
        usage: null,
        about: { job_id: jobId, outcome },
      });
    if (type === 'ack' && seq === 1) this.isOpener = true;
    else if (type === 'processing') this.#note(data);
    else if (type === 'result' && data['final'] === false) finish(data['content'], 'asked');
    else if (type === 'done') finish(data['reply'], data['outcome']);
    else if (type === 'cancelled') finish(data['reply'], 'cancelled');
  }

  #note(data: StateEvent['data']): void {
    const queue = data['queue'] as QueuePosition | undefined;
    this.#answer.note(queue === undefined ? oneLine(data['message']) : queueNote(queue));
  }
}

/** A comment of a stream is one line. */
const oneLine = (text: unknown): string => String(text).replace(/\s+/g, ' ');
