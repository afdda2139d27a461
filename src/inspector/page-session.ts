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
import type { InspectorParts, View } from './parts.ts';

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
  z.object({ type: z.literal('gatehouse.drafts'), on: z.boolean() }),
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

export function openPageSession(parts: InspectorParts, view: View, send: Send): PageSession {
  const watch = createJobWatch(parts, view, send);
  let leaveJobs: (() => void) | null = null;
  let leaveGuests: (() => void) | null = null;
  let seesGates = false;
  /** What the page was told last; null: it does not look at drafts. */
  let toldDrafts: string | null = null;

  const sendGates = (): void =>
    send({
      type: 'gatehouse.gates',
      gates: gatesFor(parts, view),
      history: parts.history.samples(),
    });
  const sendDrafts = (): void => {
    const version = parts.draftsVersion();
    if (version !== toldDrafts) {
      send({ type: 'gatehouse.drafts', overview: parts.drafts(view.user) });
    }
    toldDrafts = version;
  };
  const timer = setInterval(() => {
    watch.refresh();
    if (seesGates) sendGates();
    if (toldDrafts !== null) sendDrafts();
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
      } else if (message.type === 'gatehouse.drafts') {
        toldDrafts = message.on ? '' : null;
        if (message.on) sendDrafts();
      } else if (message.type === 'gatehouse.guests') {
        leaveGuests?.();
        // Programs of other people are nothing that a person's key may see.
        leaveGuests =
          message.on && view.user === null ? parts.guests.subscribe((guest) => send(guest)) : null;
      } else {
        leaveJobs?.();
        leaveJobs = message.on ? listenToJobs(parts, view, send) : null;
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

/** The line as everybody may see it: who else stands there has no name. */
function gatesFor({ gates }: InspectorParts, { user }: View): Record<string, unknown>[] {
  if (user === null) return gates();
  const nameless = (entry: Record<string, unknown>): Record<string, unknown> =>
    entry['user'] === user ? entry : { ...entry, user: 'somebody else' };
  return gates().map((one) => {
    const gate = one['gate'] as Record<'running' | 'waiting', Record<string, unknown>[]>;
    const [running, waiting] = [gate.running.map(nameless), gate.waiting.map(nameless)];
    return { ...one, gate: { ...gate, running, waiting } };
  });
}

/** What a row of the list is made of: how the job began, if that is new, and its last event. */
interface RowNews {
  began: StateEvent | null;
  last: StateEvent;
}

function listenToJobs({ hub }: InspectorParts, { user }: View, send: Send): () => void {
  const news = new Map<string, RowNews>();
  let everyMs = calmEveryMs;
  const flush = (): void => {
    const newest = [...news.values()].slice(-jobsPerMessageMax);
    const events = newest.flatMap(({ began, last }) =>
      began === null || began === last ? [last] : [began, last],
    );
    const isCut = newest.length < news.size;
    send({ type: 'gatehouse.jobs', events, isCut });
    everyMs = isCut ? floodEveryMs : calmEveryMs;
    news.clear();
  };
  return hub.subscribe(null, {
    event(event) {
      if (user !== null && event.user_id !== user) return;
      if (news.size === 0) setTimeout(flush, everyMs);
      const began = event.type === 'ack' ? event : (news.get(event.job_id)?.began ?? null);
      news.set(event.job_id, { began, last: event });
    },
    token: () => undefined,
  });
}

/** Faster is not seen. */
const calmEveryMs = 150;
/** More rows at once nobody reads, and drawing them would take the processor from the core that is looked at. */
const jobsPerMessageMax = 50;
const floodEveryMs = 1_000;

interface JobWatch {
  change(jobId: string | null, afterN: number): void;
  refresh(): void;
}

function createJobWatch(parts: InspectorParts, view: View, send: Send): JobWatch {
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
        const found = followJob(storage, jobId);
        if (view.user !== null && found.job.input.userId !== view.user) {
          throw new GatehouseError('GH_JOB_NOT_FOUND');
        }
        job = found;
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
