/**
 * One open page: its subscriptions and the messages that it receives. All subscriptions end with its socket.
 *
 * Committed rows are sent from the journal, by row number; only token chunks come directly from the hub. A page that
 * reconnects sends the number of its last row.
 */
import { z } from 'zod';
import type { BackendView } from '#shared/wire/backend-view';
import type { DraftOverview } from '#shared/wire/document-views';
import type { StateEvent } from '#shared/wire/state-event';
import { JobSubscription } from './job-subscription.ts';
import type { InspectorContext, Viewer, Connection } from './inspector-context.ts';
import type { PageRequest } from '../page-messages.ts';
import { tryCharge } from './cooperative-scheduler.ts';

/** Messages that a page may send. */
const pageRequest: z.ZodType<PageRequest> = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('gatehouse.watch'),
    /** Null: stop watching. */
    jobId: z.string().max(64).nullable(),
    /** The last row that the page has of this job. */
    afterN: z.number().int().min(0).default(0),
  }),
  z.object({ type: z.literal('gatehouse.jobs'), on: z.boolean() }),
  z.object({ type: z.literal('gatehouse.gates'), on: z.boolean() }),
  z.object({ type: z.literal('gatehouse.drafts'), on: z.boolean() }),
  z.object({ type: z.literal('gatehouse.guests'), on: z.boolean() }),
]);

/** Interval of updates that no event triggers: rows without published events, queue positions, gates. */
const refreshEveryMs = 1_000;

export function openPageSession(parts: InspectorContext, viewer: Viewer, connection: Connection) {
  const { send } = connection;
  const subscription = new JobSubscription(parts, viewer, connection);
  /** A request that exceeds the rate limit is answered by the next refresh. */
  const tryChargeViewer = (): boolean => tryCharge(parts, viewer.user);
  let unsubscribeJobs: (() => void) | null = null;
  let unsubscribeExternalActors: (() => void) | null = null;
  let seesGates = false;
  /** The version that the page received last; null: it does not show drafts. */
  let sentDraftsVersion: string | null = null;

  const sendGates = (): void =>
    send({
      type: 'gatehouse.gates',
      gates: gatesFor(parts, viewer),
      history: parts.gateSampler.samples(),
    });
  const sendDrafts = (): void => {
    const version = parts.draftsVersion();
    if (version === sentDraftsVersion) return;
    sentDraftsVersion = version;
    const isCurrent = (): boolean => version === sentDraftsVersion;
    parts.drafts(viewer.user).then(
      (overview) =>
        isCurrent() && send({ type: 'gatehouse.drafts', overview: overview as DraftOverview }),
      // The next refresh reads it again.
      () => isCurrent() && (sentDraftsVersion = ''),
    );
  };
  const timer = setInterval(() => {
    subscription.refresh();
    if (seesGates) sendGates();
    if (sentDraftsVersion !== null) sendDrafts();
  }, refreshEveryMs);

  return {
    handle(raw: unknown): void {
      const parsed = pageRequest.safeParse(raw);
      if (!parsed.success) return;
      const message = parsed.data;
      if (message.type === 'gatehouse.watch') {
        subscription.change(message.jobId, message.afterN);
      } else if (message.type === 'gatehouse.gates') {
        seesGates = message.on;
        if (seesGates && tryChargeViewer()) sendGates();
      } else if (message.type === 'gatehouse.drafts') {
        sentDraftsVersion = message.on ? '' : null;
        if (message.on && tryChargeViewer()) sendDrafts();
      } else if (message.type === 'gatehouse.guests') {
        unsubscribeExternalActors?.();
        // A user's key must not show programs of other users.
        unsubscribeExternalActors =
          message.on && viewer.user === null
            ? parts.externalActors.subscribe((guest) => send(guest))
            : null;
      } else {
        unsubscribeJobs?.();
        unsubscribeJobs = message.on ? subscribeToJobs(parts, viewer, send) : null;
      }
    },
    close(): void {
      clearInterval(timer);
      unsubscribeJobs?.();
      unsubscribeExternalActors?.();
      subscription.change(null, 0);
    },
  };
}

/** The gates' queues as a user may see them: entries of other users have no name and no job id. */
function gatesFor({ gates }: InspectorContext, { user }: Viewer): BackendView[] {
  const all = gates() as BackendView[];
  if (user === null) return all;
  const nameless = <Entry extends { user: string }>(entry: Entry): Entry =>
    entry.user === user ? entry : { ...entry, user: 'somebody else', job_id: null };
  return all.map(({ gate, ...one }) => {
    const [running, waiting] = [gate.running.map(nameless), gate.waiting.map(nameless)];
    return { ...one, gate: { ...gate, running, waiting } };
  });
}

/** The events that update a row of the list: the first one, if it is new, and the last one. */
interface JobUpdate {
  began: StateEvent | null;
  last: StateEvent;
}

function subscribeToJobs(
  { hub }: InspectorContext,
  { user }: Viewer,
  send: Connection['send'],
): () => void {
  const updates = new Map<string, JobUpdate>();
  let everyMs = calmEveryMs;
  const flush = (): void => {
    const newest = [...updates.values()].slice(-jobsPerMessageMax);
    const events = newest.flatMap(({ began, last }) =>
      began === null || began === last ? [last] : [began, last],
    );
    const isCut = newest.length < updates.size;
    send({ type: 'gatehouse.jobs', events, isCut });
    everyMs = isCut ? floodEveryMs : calmEveryMs;
    updates.clear();
  };
  return hub.subscribe(null, {
    event(event) {
      if (user !== null && event.user_id !== user) return;
      if (updates.size === 0) setTimeout(flush, everyMs);
      const began = event.type === 'ack' ? event : (updates.get(event.job_id)?.began ?? null);
      updates.set(event.job_id, { began, last: event });
    },
    token: () => undefined,
  });
}

/** Faster updates would not be visible. */
const calmEveryMs = 150;
/** A user cannot read more rows at once, and drawing them would take CPU time from the core on the same machine. */
const jobsPerMessageMax = 50;
const floodEveryMs = 1_000;
