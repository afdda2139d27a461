/**
 * The inspector over a real journal, database and HTTP server. The test answers the effects, so a job stays in any
 * state for as long as the test needs it.
 */
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { createFairSlices } from '#shared/fair-slices';
import { createJobService } from '#jobs/service/job-service';
import type { JobService } from '#shared/wire/job-service';
import { chatRoutes } from '#http/routes/chat-routes';
import { startServer } from '#http/server/server';
import { inspectorRoutes } from '#inspector/server/inspector-routes';
import type { InspectorOptions } from '#inspector/server/inspector-context';
import { createIdSource } from '#shared/ids';
import { silentLog } from '#shared/log';
import { openJournal, scratchFolder, until, type JournalFixture } from '#test/support/journal';
import { limits } from '#test/support/jobs';

export interface InspectorFixture extends JournalFixture {
  url: string;
  jobService: JobService;
  /** Open subscriptions of the inspector to the hub. */
  listeners(): number;
  /** Closes every connection, and each new connection until `restore`. */
  cut(): void;
  restore(): void;
  /** Submits a message and waits until the classifier is called. */
  send(message: string, userId?: string): Promise<string>;
  /** Takes the job to `done` through the reasoner. */
  finish(jobId: string, reply: string): Promise<void>;
  /** Takes the job to a draft that waits for a person. */
  draft(jobId: string): Promise<void>;
  /** Changes a waiting draft: adds two rows, both with these params. */
  edit(jobId: string, params: Record<string, unknown>): Promise<void>;
}

/** One gate as `GET /backends` returns it, with a running and a waiting request. */
const gateView = {
  id: 'large',
  kind: 'generic',
  model: 'm',
  roles: ['reasoner'],
  healthy: true,
  error_reason: null,
  load: 'normal',
  load_word: { ko: '보통', en: 'normal' },
  gate: {
    state: 'running',
    circuit: 'closed',
    concurrency: 1,
    running: [
      { kind: 'reason', priority: 'foreground', user: 'ann', phase: 'running', held_ms: 1 },
    ],
    waiting: [
      { kind: 'reason', priority: 'foreground', user: 'bob', waited_ms: 1, position: 1, eta_ms: 9 },
    ],
    service_ms: { reason: 4000 },
    counters: { grants: 3, preemptions: 0, overtakes: 0 },
  },
};

/** An overview without memos. */
const draftOverview = { state: 'waiting', running: null, waiting: [], dead: [], drafted: [] };

export async function openInspector(
  change: Partial<InspectorOptions> = {},
): Promise<InspectorFixture> {
  const scratch = scratchFolder();
  const clock = { now: () => Date.now() };
  const journal = await openJournal({ path: join(scratch.path, 'gatehouse.db') });
  const sockets = new Set<Socket>();
  let isCut = false;
  let open = 0;
  const hub: InspectorOptions['hub'] = {
    textSoFar: (jobId) => journal.hub.textSoFar(jobId),
    subscribe(jobId, listener) {
      const leave = journal.hub.subscribe(jobId, listener);
      open += 1;
      return () => {
        open -= 1;
        leave();
      };
    },
  };
  const jobService = createJobService({
    slices: createFairSlices(),
    journal: journal.journal,
    storage: journal.storage,
    queries: journal.queries,
    hub: journal.hub,
    clock,
    nextId: createIdSource(),
    messageMaxChars: 8_000,
    limits,
    locale: 'auto',
    parseDraftReply: () => null,
  });
  const apiKeys = change.apiKeys ?? [];
  const server = await startServer({
    host: '127.0.0.1',
    port: 0,
    apiKeys,
    ownerOf: async (jobId) => (await jobService.get(jobId)).user_id,
    log: silentLog(),
    routes: [
      chatRoutes({ jobService, live: journal.hub }),
      inspectorRoutes({
        jobService,
        storage: journal.storage,
        hub,
        queueOf: (jobId) => journal.journal.queuePositionOf(jobId),
        gates: () => [gateView],
        drafts: () => Promise.resolve(draftOverview),
        draftsVersion: () => 'never changes',
        clock,
        log: silentLog(),
        apiKeys,
        ...change,
      }),
      ({ server: raw }) =>
        void raw.on('connection', (socket) => {
          if (isCut) socket.destroy();
          sockets.add(socket);
          socket.on('close', () => sockets.delete(socket));
        }),
    ],
  });
  const fixture: InspectorFixture = {
    ...journal,
    url: server.url,
    jobService,
    listeners: () => open,
    cut() {
      isCut = true;
      for (const socket of sockets) socket.destroy();
    },
    restore: () => void (isCut = false),
    async send(message, userId = 'ann') {
      const { job_id: jobId } = await jobService.submit({ message, user_id: userId });
      await until(() => journal.started.some((call) => call.jobId === jobId));
      return jobId;
    },
    async finish(jobId, reply) {
      const decision = { by: 'classifier', action: 'route' };
      await journal.answer(jobId, 'classify', { decision, backend: 'small' });
      await journal.answer(jobId, 'reason', { text: reply, backend: 'large' });
    },
    async draft(jobId) {
      const call = { tool: 'calendar', operation: 'create_draft', params: { title: '치과' } };
      const decision = { by: 'classifier', action: 'tools', calls: [call] };
      await journal.answer(jobId, 'classify', { decision, backend: 'small' });
      const result = { ok: true, ...call, data: null, summary: '치과', error: null };
      const draft = { ...call, operation: 'create_confirmed', summary: '치과, 내일 15:00' };
      await journal.answer(jobId, 'runTools', { results: [result], draft });
    },
    async edit(jobId, params) {
      await journal.journal.send(jobId, { type: 'edit', by: 'user', changes: params });
      const draft = { tool: 'calendar', operation: 'create_confirmed', params, summary: '치과' };
      await journal.answer(jobId, 'revise', draft);
    },
    async close() {
      await server.close();
      await journal.close();
      scratch.remove();
    },
  };
  return fixture;
}
