/**
 * All running jobs for Stately clients, and what their own inspectors tell for the others. Listens to the
 * hub only while somebody receives.
 *
 * A job is read from its journal when an event of it is heard, so a receiver gets each job from its first
 * message on, also one that began before.
 */
import type { LiveHub } from '../journal/live-hub.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import type { JobStorage } from '../store/job-storage.ts';
import { followJob, type JobFollower } from './job-follower.ts';
import { rowsPerSlice, type Slices } from './slices.ts';
import { statelyMessages } from './stately.ts';

export interface StatelyReceiver {
  /** Hears of this user's jobs only; null: of all. */
  user: string | null;
  send(message: Record<string, unknown>): void;
}

export interface StatelyFeed {
  /** Returns the way out. */
  receive(receiver: StatelyReceiver): () => void;
  /** A message of a foreign inspector, for all receivers but its sender. */
  relay(message: Record<string, unknown>, sender: StatelyReceiver | null): void;
}

/** Jobs that are told at the same time; the one told longest ago begins anew when it goes on. */
const followersMax = 500;

interface StatelyFeedOptions {
  storage: Pick<JobStorage, 'find' | 'rows'>;
  hub: Pick<LiveHub, 'subscribe'>;
  log: Log;
  slices: Slices;
}

export const createStatelyFeed = (options: StatelyFeedOptions): StatelyFeed => new Feed(options);

class Feed implements StatelyFeed {
  readonly #options: StatelyFeedOptions;
  readonly #receivers = new Set<StatelyReceiver>();
  readonly #followers = new Map<string, JobFollower>();
  /** Jobs that moved, and whose they are. */
  readonly #dirty = new Map<string, string>();
  #isFlushing = false;
  #leave: (() => void) | null = null;

  constructor(options: StatelyFeedOptions) {
    this.#options = options;
  }

  receive(receiver: StatelyReceiver): () => void {
    this.#receivers.add(receiver);
    this.#leave ??= this.#listen();
    return () => {
      this.#receivers.delete(receiver);
      if (this.#receivers.size > 0) return;
      this.#leave?.();
      this.#leave = null;
      this.#followers.clear();
    };
  }

  relay(message: Record<string, unknown>, sender: StatelyReceiver | null): void {
    for (const receiver of this.#receivers) {
      if (receiver !== sender && receiver.user === null) receiver.send(message);
    }
  }

  #listen(): () => void {
    return this.#options.hub.subscribe(null, {
      event: ({ job_id, user_id }) => {
        this.#dirty.set(job_id, user_id);
        // After the turn in which it was committed: several events of a turn are one look.
        if (!this.#isFlushing) setImmediate(() => void this.#flush());
        this.#isFlushing = true;
      },
      token: () => undefined,
    });
  }

  async #flush(): Promise<void> {
    let left = rowsPerSlice;
    // What is heard meanwhile comes last, and is told in the same go.
    for (const [jobId, owner] of this.#dirty) {
      this.#dirty.delete(jobId);
      let told: number;
      do {
        told = this.#tell(jobId, owner);
        left -= told;
        if (left <= 0) {
          await this.#options.slices.turn();
          left = rowsPerSlice;
        }
      } while (told === rowsPerSlice);
    }
    this.#isFlushing = false;
  }

  /** One slice of the job. Returns how many rows; 0 also where it cannot be read. */
  #tell(jobId: string, owner: string): number {
    const mine = [...this.#receivers].filter(({ user }) => user === null || user === owner);
    if (mine.length === 0) return 0;
    try {
      const job = this.#followers.get(jobId) ?? followJob(this.#options.storage, jobId);
      const frames = job.pull(rowsPerSlice);
      for (const frame of frames) {
        const context = { ...job.stateAt(frame.n)?.snapshot.context };
        for (const message of statelyMessages(jobId, frame, context)) {
          for (const receiver of mine) receiver.send(message);
        }
      }
      this.#keep(jobId, job);
      return frames.length;
    } catch (error) {
      const why = { job: jobId, error: messageOf(error) };
      this.#options.log.debug(why, 'inspector cannot read the job');
      return 0;
    }
  }

  #keep(jobId: string, job: JobFollower): void {
    const followers = this.#followers;
    followers.delete(jobId);
    if (job.isEnded) return;
    followers.set(jobId, job);
    const [oldest] = followers.keys();
    if (followers.size > followersMax && oldest !== undefined) followers.delete(oldest);
  }
}
