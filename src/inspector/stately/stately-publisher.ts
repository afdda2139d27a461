/**
 * Publishes all running jobs to Stately clients, and forwards the messages of their inspectors to the other clients.
 * Subscribes to the hub only while there are receivers.
 *
 * A job is read from its journal when it publishes an event, so a receiver gets each job from its first event on, also
 * a job that started earlier.
 */
import type { LiveHub } from '#jobs/runtime/live-hub';
import { messageOf } from '#shared/errors';
import type { Log } from '#shared/log';
import type { JobStorage } from '#jobs/job-store-port';
import { openJournalReader, type JournalReader } from '../server/journal-reader.ts';
import { rowsPerSlice, type TimeSlicer } from '../server/cooperative-scheduler.ts';
import type { ExternalMessage } from '../page-messages.ts';
import { statelyMessages } from './stately-messages.ts';

export interface StatelyReceiver {
  /** Receives the jobs of this user; null: all jobs. */
  user: string | null;
  send(message: ExternalMessage): void;
}

/** Journal readers kept open; the one used longest ago is evicted, and its job starts again from its first row. */
const readersMax = 500;

interface StatelyPublisherOptions {
  storage: Pick<JobStorage, 'find' | 'rows'>;
  hub: Pick<LiveHub, 'subscribe'>;
  log: Log;
  slices: TimeSlicer;
}

export class StatelyPublisher {
  readonly #options: StatelyPublisherOptions;
  readonly #receivers = new Set<StatelyReceiver>();
  readonly #readers = new Map<string, JournalReader>();
  /** Jobs with new events, and their owners. */
  readonly #dirty = new Map<string, string>();
  #isFlushing = false;
  #unsubscribe: (() => void) | null = null;

  constructor(options: StatelyPublisherOptions) {
    this.#options = options;
  }

  /** Returns the unsubscribe function. */
  subscribe(receiver: StatelyReceiver): () => void {
    this.#receivers.add(receiver);
    this.#unsubscribe ??= this.#listen();
    return () => {
      this.#receivers.delete(receiver);
      if (this.#receivers.size > 0) return;
      this.#unsubscribe?.();
      this.#unsubscribe = null;
      this.#readers.clear();
    };
  }

  /** Forwards a message of a foreign inspector to all receivers but its sender. */
  relay(message: ExternalMessage, sender: StatelyReceiver | null): void {
    for (const receiver of this.#receivers) {
      if (receiver !== sender && receiver.user === null) receiver.send(message);
    }
  }

  #listen(): () => void {
    return this.#options.hub.subscribe(null, {
      event: ({ job_id, user_id }) => {
        this.#dirty.set(job_id, user_id);
        // After the transaction batch: several events of a batch cause one read.
        if (!this.#isFlushing) setImmediate(() => void this.#flush());
        this.#isFlushing = true;
      },
      token: () => undefined,
    });
  }

  async #flush(): Promise<void> {
    let left = rowsPerSlice;
    // Jobs that are added meanwhile come last, in the same loop.
    for (const [jobId, owner] of this.#dirty) {
      this.#dirty.delete(jobId);
      let published: number;
      do {
        published = await this.#publishJob(jobId, owner);
        left -= published;
        if (left <= 0) {
          await this.#options.slices.nextSlice();
          left = rowsPerSlice;
        }
      } while (published === rowsPerSlice);
    }
    this.#isFlushing = false;
  }

  /** Publishes one slice of the job. Returns the number of rows; also 0 if the job cannot be read. */
  async #publishJob(jobId: string, owner: string): Promise<number> {
    const mine = [...this.#receivers].filter(({ user }) => user === null || user === owner);
    if (mine.length === 0) return 0;
    try {
      const { storage } = this.#options;
      const reader = this.#readers.get(jobId) ?? (await openJournalReader(storage, jobId));
      const frames = await reader.readNext(rowsPerSlice);
      for (const frame of frames) {
        const context = { ...reader.stateAt(frame.n)?.snapshot.context };
        for (const message of statelyMessages(jobId, frame, context)) {
          for (const receiver of mine) receiver.send(message);
        }
      }
      this.#cacheReader(jobId, reader);
      return frames.length;
    } catch (error) {
      const why = { job: jobId, error: messageOf(error) };
      this.#options.log.debug(why, 'inspector cannot read the job');
      return 0;
    }
  }

  #cacheReader(jobId: string, reader: JournalReader): void {
    const readers = this.#readers;
    readers.delete(jobId);
    if (reader.isEnded) return;
    readers.set(jobId, reader);
    const [oldest] = readers.keys();
    if (readers.size > readersMax && oldest !== undefined) readers.delete(oldest);
  }
}
