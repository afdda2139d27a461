/**
 * One open page: what it watches, and what it is told. All it hears of the hub ends with its socket.
 *
 * What was committed is told from the journal, by row number; only pieces of a running answer come straight
 * from the hub. A page that comes back says which row it saw last.
 */
import { z } from 'zod';
import type { StateEvent } from '../contract/state-event.ts';
import { GatehouseError, messageOf } from '../lib/errors.ts';
import type { JobFollower } from './job-follower.ts';
import { followJob } from './job-follower.ts';
import type { InspectorParts } from './parts.ts';

/** What a page may say. */
const pageMessage = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('gatehouse.watch'),
    /** Null: no job. */
    jobId: z.string().max(64).nullable(),
    /** The last row that the page has of it. */
    afterN: z.number().int().min(0).default(0),
  }),
  z.object({ type: z.literal('gatehouse.jobs'), on: z.boolean() }),
  z.object({ type: z.literal('gatehouse.gates'), on: z.boolean() }),
  z.object({ type: z.literal('gatehouse.guests'), on: z.boolean() }),
]);

export interface PageSession {
  take(message: unknown): void;
  close(): void;
}

type Send = (message: { type: string; [field: string]: unknown }) => void;

/** How often a page hears of what causes no event: rows that tell the world nothing, queue places, gates. */
const refreshEveryMs = 1_000;
/** Rows of one message: a long history comes in pieces that a slow reader can be cut off between. */
const framesPerMessage = 200;

export function openPageSession(parts: InspectorParts, send: Send): PageSession {
  const watch = createJobWatch(parts, send);
  let leaveJobs: (() => void) | null = null;
  let leaveGuests: (() => void) | null = null;
  let seesGates = false;

  const sendGates = (): void =>
    send({ type: 'gatehouse.gates', gates: parts.gates(), history: parts.history.samples() });
  const timer = setInterval(() => {
    watch.refresh();
    if (seesGates) sendGates();
  }, refreshEveryMs);

  return {
    take(raw) {
      const parsed = pageMessage.safeParse(raw);
      if (!parsed.success) return;
      const message = parsed.data;
      if (message.type === 'gatehouse.watch') {
        watch.change(message.jobId, message.afterN);
      } else if (message.type === 'gatehouse.gates') {
        seesGates = message.on;
        if (seesGates) sendGates();
      } else if (message.type === 'gatehouse.guests') {
        leaveGuests?.();
        leaveGuests = message.on ? parts.guests.subscribe((guest) => send(guest)) : null;
      } else {
        leaveJobs?.();
        leaveJobs = message.on ? listenToJobs(parts, send) : null;
      }
    },
    close() {
      clearInterval(timer);
      leaveJobs?.();
      leaveGuests?.();
      watch.change(null, 0);
    },
  };
}

function listenToJobs({ hub }: InspectorParts, send: Send): () => void {
  const news = new Map<string, StateEvent[]>();
  const flush = (): void => {
    send({ type: 'gatehouse.jobs', events: [...news.values()].flat() });
    news.clear();
  };
  return hub.subscribe(null, {
    event(event) {
      if (news.size === 0) setTimeout(flush, jobsEveryMs);
      const events = news.get(event.job_id) ?? [];
      // Heartbeats of one job within one message: the last one says it all.
      if (event.type === 'processing' && events.at(-1)?.type === 'processing') events.pop();
      events.push(event);
      news.set(event.job_id, events);
    },
    token: () => undefined,
  });
}

/** Faster is not seen, and a list that fills at hundreds of jobs a second would be all that the page does. */
const jobsEveryMs = 150;

interface JobWatch {
  change(jobId: string | null, afterN: number): void;
  refresh(): void;
}

function createJobWatch(parts: InspectorParts, send: Send): JobWatch {
  const { storage, hub } = parts;
  let job: JobFollower | null = null;
  let isDue = false;
  let lastQueue = '';
  let leave = (): void => undefined;

  const tell = (afterN: number): void => {
    if (job === null) return;
    const frames = job.pull().filter((frame) => frame.n > afterN);
    const { id } = job.job;
    for (let from = 0; from < frames.length; from += framesPerMessage) {
      const some = frames.slice(from, from + framesPerMessage);
      send({ type: 'gatehouse.frames', jobId: id, frames: some });
    }
    if (frames.length > 0 || afterN > 0) {
      send({ type: 'gatehouse.check', jobId: id, ...job.check() });
    }
    const queue = job.isEnded ? null : parts.queueOf(id);
    const text = JSON.stringify(queue);
    if (text !== lastQueue) send({ type: 'gatehouse.queue', jobId: id, queue });
    lastQueue = text;
  };

  /** Whatever goes wrong while somebody looks on must not reach the core: it is told to who looks. */
  const guarded = (jobId: string | null, look: () => void): void => {
    try {
      look();
    } catch (error) {
      const code = error instanceof GatehouseError ? error.code : 'GH_JOB_BUG';
      send({ type: 'gatehouse.problem', jobId, code, message: messageOf(error) });
    }
  };

  const soon = (): void => {
    if (isDue) return;
    isDue = true;
    setImmediate(() => {
      isDue = false;
      guarded(job?.job.id ?? null, () => tell(0));
    });
  };

  return {
    change(jobId, afterN) {
      leave();
      leave = () => undefined;
      job = null;
      lastQueue = '';
      if (jobId === null) return;
      guarded(jobId, () => {
        job = followJob(storage, jobId);
        leave = hub.subscribe(jobId, {
          event: soon,
          token: (chunk) => send({ type: 'gatehouse.token', chunk }),
        });
        const { input, createdAt, machineVersion, conversation } = job.job;
        send({ type: 'gatehouse.job', jobId, input, createdAt, machineVersion, conversation });
        tell(afterN);
        const chunk = hub.textSoFar(jobId);
        if (chunk !== null) send({ type: 'gatehouse.token', chunk });
      });
    },
    refresh() {
      if (job !== null && !job.isEnded) guarded(job.job.id, () => tell(0));
    },
  };
}
