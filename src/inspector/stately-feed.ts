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

export function createStatelyFeed(options: {
  storage: Pick<JobStorage, 'find' | 'rows'>;
  hub: Pick<LiveHub, 'subscribe'>;
  log: Log;
}): StatelyFeed {
  const { storage, hub, log } = options;
  const receivers = new Set<StatelyReceiver>();
  const followers = new Map<string, JobFollower>();
  const dirty = new Set<string>();
  let leave: (() => void) | null = null;

  const flush = (): void => {
    for (const jobId of dirty) {
      try {
        tell(jobId);
      } catch (error) {
        log.debug({ job: jobId, error: messageOf(error) }, 'inspector cannot read the job');
      }
    }
    dirty.clear();
  };

  const tell = (jobId: string): void => {
    const job = followers.get(jobId) ?? followJob(storage, jobId);
    followers.delete(jobId);
    const owner = job.job.input.userId;
    const mine = [...receivers].filter(({ user }) => user === null || user === owner);
    for (const frame of job.pull()) {
      const context = { ...job.stateAt(frame.n)?.snapshot.context };
      for (const message of statelyMessages(jobId, frame, context)) {
        for (const receiver of mine) receiver.send(message);
      }
    }
    if (job.isEnded) return;
    followers.set(jobId, job);
    const [oldest] = followers.keys();
    if (followers.size > followersMax && oldest !== undefined) followers.delete(oldest);
  };

  const listen = (): (() => void) =>
    hub.subscribe(null, {
      event({ job_id }) {
        // After the turn in which it was committed: several events of a turn are one look.
        if (dirty.size === 0) setImmediate(flush);
        dirty.add(job_id);
      },
      token: () => undefined,
    });

  return {
    receive(receiver) {
      receivers.add(receiver);
      leave ??= listen();
      return () => {
        receivers.delete(receiver);
        if (receivers.size > 0) return;
        leave?.();
        leave = null;
        followers.clear();
      };
    },
    relay(message, sender) {
      for (const receiver of receivers) {
        if (receiver !== sender && receiver.user === null) receiver.send(message);
      }
    },
  };
}
