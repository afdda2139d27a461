/**
 * What the inspector's page and its server exchange over the socket and over `/inspect/api`. Types only: the page's
 * scripts are checked against them.
 */
import type { JobInput, QueuePosition } from '#machines/job-types';
import type { JournalEvent } from '#jobs/job-store-port';
import type { PendingEffect } from '#jobs/runtime/job-runtime-state';
import type { BackendView } from '#shared/wire/backend-view';
import type { DraftOverview } from '#shared/wire/document-views';
import type { JobPage, ListedJob } from '#shared/wire/job-service';
import type { StateEvent, TokenChunk } from '#shared/wire/state-event';

export interface ContextChange {
  key: string;
  before: unknown;
  after: unknown;
}

export interface ReplayFrame {
  n: number;
  /** Epoch ms. */
  at: number;
  event: JournalEvent;
  value: unknown;
  /** Ids of all states that are active, outermost first. */
  active: string[];
  /** Keys of the arrows that were taken, in order; several if the step went through `route`. */
  edges: string[];
  /** Fields of the context that differ from the previous frame; all fields in the first frame. */
  changed: ContextChange[];
  emitted: StateEvent[];
  started: PendingEffect[];
  /** Keys of the effects that ended or were cancelled with this event. */
  ended: string[];
  /** Keys of the effects that run after this event. */
  running: string[];
  timers: { id: string; dueAt: number }[];
  tags: string[];
  isEnded: boolean;
}

/** The result of "what if". */
export type WhatIf =
  | { ok: true; isHandled: boolean; frame: ReplayFrame }
  | { ok: false; message: string };

/** A page of found jobs, newest first. `looked`: how many jobs were searched. */
export interface FoundJobs extends Pick<JobPage, 'next_cursor' | 'looked'> {
  jobs: (ListedJob & { queue: QueuePosition | null })[];
}

export interface GateSample {
  /** Epoch ms. */
  at: number;
  running: number;
  waiting: number;
  /** False while the circuit is open. */
  isUp: boolean;
}

/** Whether the replayed rows give the stored state (P4). */
export interface ReplayCheck {
  ok: boolean;
  /** The number of replayed rows. */
  rows: number;
  /** Differences: fields of the stored job, or `row N`. */
  differs: string[];
  /** Rows that differ only in texts for users, written by another version; the stored texts are shown. */
  reworded: number[];
}

/** A message of @statelyai/inspect. Only `type`, `sessionId` and `_version` are checked. */
export interface ExternalMessage {
  type: `@xstate.${string}`;
  sessionId?: string;
  name?: string;
  createdAt?: string;
  snapshot?: { status?: string; value?: unknown; [field: string]: unknown };
  event?: { type?: string };
  [field: string]: unknown;
}

/** The job that a page watches. */
export interface WatchedJob {
  jobId: string;
  input: JobInput;
  /** Epoch ms. */
  createdAt: number;
}

/** From the server to a page. */
export type PageMessage =
  | { type: 'gatehouse.hello'; now: number }
  | { type: 'gatehouse.tick' }
  | ({ type: 'gatehouse.job'; machineVersion: number; conversation: string } & WatchedJob)
  | { type: 'gatehouse.frames'; jobId: string; frames: ReplayFrame[] }
  | ({ type: 'gatehouse.check'; jobId: string } & ReplayCheck)
  | { type: 'gatehouse.queue'; jobId: string; queue: QueuePosition | null }
  | { type: 'gatehouse.token'; chunk: TokenChunk }
  | { type: 'gatehouse.problem'; jobId: string | null; code: string; message: string }
  /** `isCut`: there were more events than a list can show. */
  | { type: 'gatehouse.jobs'; events: StateEvent[]; isCut: boolean }
  | { type: 'gatehouse.gates'; gates: BackendView[]; history: Record<string, GateSample[]> }
  | { type: 'gatehouse.drafts'; overview: DraftOverview }
  | { type: 'gatehouse.guest'; peer: number; message: ExternalMessage };

/** From a page to the server: what it wants to receive. */
export type PageRequest =
  /** `jobId` null: no job. `afterN`: the last row that the page has of it. */
  | { type: 'gatehouse.watch'; jobId: string | null; afterN: number }
  | { type: `gatehouse.${'jobs' | 'gates' | 'drafts' | 'guests'}`; on: boolean };
