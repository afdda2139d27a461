/**
 * One open page: what it watches, and what it is told. All it hears of the hub ends with its socket.
 *
 * What was committed is told from the journal, by row number; only pieces of a running answer come straight
 * from the hub. A page that comes back says which row it saw last.
 */
import { z } from 'zod';
import type { StateEvent } from '../contract/state-event.ts';
import { createJobWatch } from './job-watch.ts';
import type { InspectorParts, View, Wire } from './parts.ts';
import { pays } from './slices.ts';

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

/** How often a page hears of what causes no event: rows that tell the world nothing, queue places, gates. */
const refreshEveryMs = 1_000;

export function openPageSession(parts: InspectorParts, view: View, wire: Wire): PageSession {
  const { send } = wire;
  const watch = createJobWatch(parts, view, wire);
  /** What has no answer now gets one with the next refresh. */
  const mayAnswer = (): boolean => pays(parts, view.user);
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
        if (seesGates && mayAnswer()) sendGates();
      } else if (message.type === 'gatehouse.drafts') {
        toldDrafts = message.on ? '' : null;
        if (message.on && mayAnswer()) sendDrafts();
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

/** The line as everybody may see it: who else stands there has no name, and no job to open. */
function gatesFor({ gates }: InspectorParts, { user }: View): Record<string, unknown>[] {
  if (user === null) return gates();
  const nameless = (entry: Record<string, unknown>): Record<string, unknown> =>
    entry['user'] === user ? entry : { ...entry, user: 'somebody else', job_id: null };
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

function listenToJobs({ hub }: InspectorParts, { user }: View, send: Wire['send']): () => void {
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
