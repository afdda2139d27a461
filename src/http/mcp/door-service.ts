/** What the tools of the MCP door need, for one person. The core implements it directly, `gatehouse mcp serve` over HTTP. */
import type { QueuePosition } from '#machines/job-types';
import type { DocumentView } from '#shared/wire/document-views';
import type { JobPage, JobView } from '#shared/wire/job-service';
import type { StateEvent } from '#shared/wire/state-event';
import type { AskResult } from '../routes/ask-response.ts';

export interface DoorMessage {
  message: string;
  /** The thread of the channel: messages of one conversation have a history together. */
  conversation: string;
  /** Names this request among those of the person, so that its cancellation finds the job. Null: it has no name. */
  requestKey: string | null;
}

/** Jobs and documents of others are reported as not found. All calls throw errors that `describe` can read. */
export interface DoorService {
  /**
   * Resolves with the job's id when the message is on disk. The message opens a job, or cancels the running one of the
   * conversation; it never answers a draft.
   */
  submit(message: DoorMessage): Promise<string>;
  /** All events of a job from its first one, in order, each once. Resolves after the last one, or when `signal` aborts. */
  follow(jobId: string, onEvent: (event: StateEvent) => void, signal: AbortSignal): Promise<void>;
  job(jobId: string): Promise<JobView>;
  /** The events of the job so far. */
  events(jobId: string): Promise<StateEvent[]>;
  jobs(query: { state?: string; cursor?: string; limit: number }): Promise<JobPage>;
  cancel(jobId: string): Promise<void>;
  ask(
    query: string,
    onQueued: (position: QueuePosition) => void,
    signal: AbortSignal,
  ): Promise<AskResult>;
  search(query: string, limit: number, signal: AbortSignal): Promise<DoorHit[]>;
  /** @throws GH_DOCUMENT_NOT_FOUND */
  document(id: string): Promise<DocumentView>;
  addMemo(memo: { text: string; title?: string }): Promise<{ id: string }>;
  /** The address at which the person can decide on the draft of a job. */
  decideAt(jobId: string): string;
  /** What the client is told of an error: its code (null: it has none), what happened, and what to do. */
  describe(error: unknown): DoorError;
}

export interface DoorHit {
  id: string;
  title: string;
  snippet: string;
  score: number;
}

export interface DoorError {
  code: string | null;
  message: string;
  remedy: string | null;
}
