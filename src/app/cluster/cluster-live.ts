/**
 * Live events and texts of jobs that run at other workers, for those who watch them here.
 *
 * L1 What a listener gets of one job is complete and in order from its first event on, wherever the job runs: stored
 *    events come from the database; what the owner sends is delivered at once if it is the next one, else it is only a
 *    sign to read.
 * L2 Without a watcher nothing is sent.
 */
import { z } from 'zod';
import { doorOperation, type DoorOperations, type LeaseDoors } from '#cluster/lease-doors';
import { createLiveHub, type LiveHub } from '#jobs/runtime/live-hub';
import type { JobProgress } from '#jobs/service/job-service';
import { messageOf } from '#shared/errors';
import type { Log } from '#shared/log';
import type { MaybePromise } from '#shared/maybe-promise';
import type { MessageTransport } from '#shared/message-transport';
import type { LiveListener, LiveSource } from '#shared/wire/live-source';
import { stateEventSchema, type StateEvent, type TokenChunk } from '#shared/wire/state-event';
import type { QueuePosition } from '#machines/job-types';
import { partitionLease, partitionOf } from '#storage/postgres/partition';

/** The owner of a watched job is asked again at this interval: it may be another one. */
const watchEveryMs = 1_000;
/** The owner forgets a watcher that has not asked again for this time. */
const forgetMs = 5_000;
/** The owner of a job that cannot be asked within this time is not waited for: what is stored is shown. */
const askLimitMs = 1_000;

const chunkSchema = z.object({
  job_id: z.string(),
  n: z.number(),
  off: z.number(),
  content: z.string(),
});
/** The form of the relay (docs/events.md). */
const publishedSchema = z.object({ data: stateEventSchema });
const newsSchema = z.union([
  z.object({ event: stateEventSchema }),
  z.object({ token: chunkSchema }),
]);

export interface ClusterLiveParts {
  hub: LiveHub;
  doors: LeaseDoors;
  transport: MessageTransport;
  /** Where this worker gets its news. */
  inbox(): string;
  userOf(jobId: string): MaybePromise<string | null>;
  eventsAfter(jobId: string, seq: number): Promise<StateEvent[]>;
  queueOf(jobId: string): QueuePosition | null;
  /** All events, as the relay publishes them. */
  allEvents: string;
  log: Log;
}

export interface ClusterLive extends LiveSource {
  /** Events of all jobs of the cluster. */
  subscribeAll(listener: LiveListener): () => void;
  progressOf(jobId: string, userId: string): Promise<JobProgress>;
  /** For the doors of the partitions of this worker. */
  operations: DoorOperations;
  /** News for this worker. */
  receive(message: unknown): void;
  stop(): void;
}

export function createClusterLive(parts: ClusterLiveParts): ClusterLive {
  const { hub, transport, queueOf, allEvents } = parts;
  const remote = createLiveHub();
  const watches = new Map<string, JobWatch>();
  const watchers = createWatchers(parts);

  const subscribe = (jobId: string, listener: LiveListener): (() => void) => {
    // Events come in order from the watch only.
    const texts: LiveListener = {
      event: () => undefined,
      token: (chunk) => listener.token(chunk),
    };
    const ends = [hub.subscribe(jobId, texts), remote.subscribe(jobId, listener)];
    const watch = watches.get(jobId) ?? new JobWatch(jobId, remote, parts);
    watches.set(jobId, watch);
    watch.users += 1;
    let isOver = false;
    return () => {
      if (isOver) return;
      isOver = true;
      for (const end of ends) end();
      watch.users -= 1;
      if (watch.users > 0) return;
      watch.stop();
      watches.delete(jobId);
    };
  };

  return {
    subscribe: (jobId, listener) =>
      jobId === null ? hub.subscribe(null, listener) : subscribe(jobId, listener),
    textSoFar: (jobId) => hub.textSoFar(jobId) ?? remote.textSoFar(jobId),
    subscribeAll(listener) {
      const end = hub.subscribe(null, listener);
      const endRemote = transport.subscribe(allEvents, (message) => {
        const published = publishedSchema.safeParse(message);
        if (!published.success) return;
        const event = published.data.data;
        // Those of this worker came from the hub.
        if (!isOwn(parts, event.user_id)) listener.event(event);
      });
      return () => {
        end();
        endRemote();
      };
    },
    async progressOf(jobId, userId) {
      if (isOwn(parts, userId)) {
        return { text: hub.textSoFar(jobId)?.content ?? null, queue: queueOf(jobId) };
      }
      const { chunk, queue } = await ask(parts, { jobId, userId, inbox: null }).catch(() => ({
        chunk: null,
        queue: null,
      }));
      return { text: chunk?.content ?? null, queue };
    },
    operations: watchers.operations,
    receive(message) {
      const news = newsSchema.safeParse(message);
      if (!news.success) return;
      if ('event' in news.data) watches.get(news.data.event.job_id)?.event(news.data.event);
      else watches.get(news.data.token.job_id)?.token(news.data.token);
    },
    stop() {
      for (const watch of watches.values()) watch.stop();
      watchers.stop();
    },
  };
}

const openingOf = ({ doors }: ClusterLiveParts, userId: string): number | null =>
  doors.openingOf(partitionLease(partitionOf(userId)));

const isOwn = (parts: ClusterLiveParts, userId: string): boolean =>
  openingOf(parts, userId) !== null;

const watchSchema = z.object({ jobId: z.string(), inbox: z.string().nullable() });

interface Watched {
  chunk: TokenChunk | null;
  queue: QueuePosition | null;
}

/** @throws GH_STORE_UNAVAILABLE when the owner of the job does not answer */
const ask = async (
  { doors }: ClusterLiveParts,
  { jobId, userId, inbox }: { jobId: string; userId: string; inbox: string | null },
): Promise<Watched> =>
  (await doors.call(
    partitionLease(partitionOf(userId)),
    'watch',
    { jobId, inbox },
    { limitMs: askLimitMs },
  )) as Watched;

/** The watchers at other workers of the jobs of this one. */
function createWatchers({ hub, transport, queueOf }: ClusterLiveParts): {
  operations: DoorOperations;
  stop(): void;
} {
  const watchers = new Map<string, { end: () => void; timer: NodeJS.Timeout }>();
  const forget = (key: string): void => {
    const watcher = watchers.get(key);
    watchers.delete(key);
    clearTimeout(watcher?.timer);
    watcher?.end();
  };
  const watch = (jobId: string, inbox: string): void => {
    const key = `${jobId} ${inbox}`;
    const known = watchers.get(key);
    clearTimeout(known?.timer);
    const end =
      known?.end ??
      hub.subscribe(jobId, {
        event: (event) => transport.publish(inbox, { event }),
        token: (token) => transport.publish(inbox, { token }),
      });
    watchers.set(key, { end, timer: setTimeout(forget, forgetMs, key).unref() });
  };
  return {
    operations: {
      watch: doorOperation(watchSchema, async ({ jobId, inbox }): Promise<Watched> => {
        if (inbox !== null) watch(jobId, inbox);
        return { chunk: hub.textSoFar(jobId), queue: queueOf(jobId) };
      }),
    },
    stop() {
      for (const key of watchers.keys()) forget(key);
    },
  };
}

/** One job that is watched here. It may run here, and move, and come back. */
class JobWatch {
  users = 0;
  readonly #jobId: string;
  readonly #remote: LiveHub;
  readonly #parts: ClusterLiveParts;
  readonly #timer: NodeJS.Timeout;
  readonly #endOwn: () => void;
  #userId: string | null = null;
  #seq = 0;
  /** No other worker had the job since this opening, or what happened there was read. Null: it is elsewhere. */
  #knownOpening: number | null;
  #isLooking = false;
  #mustLookAgain = false;
  #isStopped = false;

  constructor(jobId: string, remote: LiveHub, parts: ClusterLiveParts) {
    this.#jobId = jobId;
    this.#remote = remote;
    this.#parts = parts;
    this.#knownOpening = parts.doors.openings;
    this.#endOwn = parts.hub.subscribe(jobId, {
      event: (event) => this.#ownEvent(event),
      token: () => undefined,
    });
    this.#timer = setInterval(() => void this.#look(), watchEveryMs).unref();
    void this.#look();
  }

  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
    this.#endOwn();
  }

  /** From another worker. */
  event(event: StateEvent): void {
    if (event.seq === this.#seq + 1 && !this.#isLooking) this.#deliver(event);
    else if (event.seq > this.#seq) void this.#look();
  }

  token({ off, content }: TokenChunk): void {
    const length = this.#remote.textSoFar(this.#jobId)?.content.length ?? 0;
    if (off === 0 || off === length) this.#remote.text(this.#jobId, content, off === 0);
    else void this.#look();
  }

  #ownEvent(event: StateEvent): void {
    if (!this.#isAlwaysHere(openingOf(this.#parts, event.user_id))) this.event(event);
    else if (event.seq > this.#seq) this.#deliver(event);
  }

  #isAlwaysHere(opening: number | null): boolean {
    return opening !== null && this.#knownOpening !== null && opening <= this.#knownOpening;
  }

  async #look(): Promise<void> {
    this.#mustLookAgain = true;
    if (this.#isLooking || this.#isStopped) return;
    this.#isLooking = true;
    try {
      while (this.#mustLookAgain) {
        this.#mustLookAgain = false;
        const opening = await this.#read();
        // An event that came while it was read is read first.
        if (!this.#mustLookAgain) this.#knownOpening = opening;
      }
    } catch (error) {
      // The next look repeats it.
      this.#parts.log.debug({ job: this.#jobId, error: messageOf(error) }, 'a job is not watched');
    } finally {
      this.#isLooking = false;
    }
  }

  /** Reads what was missed. Resolves with the opening that is known from now on. */
  async #read(): Promise<number | null> {
    const { userOf, eventsAfter, inbox } = this.#parts;
    this.#userId ??= await userOf(this.#jobId);
    if (this.#userId === null) return this.#knownOpening;
    const opening = openingOf(this.#parts, this.#userId);
    if (this.#isAlwaysHere(opening)) return this.#knownOpening;
    this.#knownOpening = null;
    const watched =
      opening !== null
        ? null
        : await ask(this.#parts, {
            jobId: this.#jobId,
            userId: this.#userId,
            inbox: inbox(),
          }).catch(() => null);
    for (let more = await eventsAfter(this.#jobId, this.#seq); more.length > 0;) {
      for (const event of more) if (event.seq > this.#seq) this.#deliver(event);
      more = await eventsAfter(this.#jobId, this.#seq);
    }
    const text = watched?.chunk?.content ?? '';
    const shown = this.#remote.textSoFar(this.#jobId)?.content ?? '';
    if (text !== '' && !shown.startsWith(text)) this.#remote.text(this.#jobId, text, true);
    return opening;
  }

  #deliver(event: StateEvent): void {
    if (this.#isStopped) return;
    this.#seq = event.seq;
    this.#remote.event(event);
    if (event.type === 'done' || event.type === 'cancelled') this.stop();
  }
}
