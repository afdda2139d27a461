/** The tools of the MCP door, for one person, on the services of the core. */
import type { DocumentService } from '#http/routes/document-routes';
import { validateQuery, type AskRoutesOptions } from '#http/routes/ask-routes';
import type { MemoService } from '#http/routes/memo-routes';
import type { DoorCaller } from '#http/mcp/door-http';
import type { DoorRoutesOptions } from '#http/mcp/door-routes';
import type { DoorMessage, DoorService } from '#http/mcp/door-service';
import { doorChannel } from '#shared/wire/conversation';
import { normalizeRequestError } from '#http/server/problem-details';
import { remedies } from '#shared/error-remedies';
import { GatehouseError, messageOf } from '#shared/errors';
import { createIdSource } from '#shared/ids';
import type { Log } from '#shared/log';
import { ownVersion } from '#shared/own-version';
import type { JobService, JobView } from '#shared/wire/job-service';
import type { LiveSource } from '#shared/wire/live-source';
import type { StateEvent } from '#shared/wire/state-event';

export interface DoorParts {
  jobService: JobService;
  live: LiveSource;
  ask: AskRoutesOptions['ask'];
  documents: Pick<DocumentService, 'search' | 'get'>;
  memos: Pick<MemoService, 'create'>;
  /** Maximum length of a question, in characters. */
  queryCharsMax: number;
  log: Log;
}

/** Cost of searching the text of one result, in response bytes; as of `GET /documents/search`. */
const bytesPerHit = 16 * 1024;

export function createDoorApi(
  parts: DoorParts,
): Pick<DoorRoutesOptions, 'serviceOf' | 'cancelRequest' | 'version' | 'nextId'> {
  const { jobService } = parts;
  return {
    version: ownVersion(),
    nextId: createIdSource(),
    serviceOf: (caller) => serviceOf(parts, caller),
    async cancelRequest(user, requestKey) {
      const jobId = await jobService.jobOfRequest(user, requestKey);
      // Rejects when the job has ended: then there is nothing left to cancel.
      if (jobId !== null) await jobService.cancel(jobId, 'user').catch(() => undefined);
    },
  };
}

function serviceOf(parts: DoorParts, { user, base, charge }: DoorCaller): DoorService {
  const { jobService, documents, memos, ask, log } = parts;
  /** @throws GH_JOB_NOT_FOUND also for a job of another person */
  const job = async (id: string): Promise<JobView> => {
    const found = await jobService.get(id);
    if (found.user_id !== user) throw new GatehouseError('GH_JOB_NOT_FOUND');
    return found;
  };
  return {
    job,
    submit: (message) => submit(jobService, user, message),
    async follow(id, onEvent, signal) {
      await job(id);
      await followJob(parts, id, onEvent, signal);
    },
    async events(id) {
      await job(id);
      return jobService.events(id);
    },
    jobs: (query) => jobService.list({ ...query, user_id: user }),
    async cancel(id) {
      await job(id);
      await jobService.cancel(id, 'user');
    },
    async ask(query, onQueued, signal) {
      const question = {
        query: validateQuery(query, parts.queryCharsMax),
        userId: user,
        backend: null,
      };
      const listener = { sources: () => undefined, text: () => undefined, queued: onQueued };
      const outcome = await ask(question, listener, signal);
      if (!outcome.ok) throw outcome.error;
      const { answer, sources, backend, truncated } = outcome;
      return { answer, sources, backend, truncated };
    },
    async search(query, limit, signal) {
      const hits = await documents.search(user, query, limit, signal);
      charge(hits.length * bytesPerHit);
      return hits;
    },
    async document(id) {
      const found = await documents.get(user, id);
      if (found === null) throw new GatehouseError('GH_DOCUMENT_NOT_FOUND');
      return found;
    },
    addMemo: (memo) => memos.create(user, memo),
    decideAt: (id) => `${base}/inspect#/jobs/${id}`,
    describe(error) {
      const known = normalizeRequestError(error);
      if (known.kind === 'bug') log.error({ route: '/mcp', error: messageOf(error) }, 'bug');
      return { code: known.code, message: known.message, remedy: remedies[known.code] };
    },
  };
}

async function submit(
  jobService: JobService,
  user: string,
  { message, conversation, requestKey }: DoorMessage,
): Promise<string> {
  // `draft: null`: the message answers no draft.
  const body = { message, user_id: user, channel: doorChannel, thread: conversation, draft: null };
  if (requestKey === null) return (await jobService.submit(body)).job_id;
  const { job_id: jobId } = await jobService.submit(body, { requestKey });
  const job = await jobService.get(jobId);
  // A client that uses the id of a request again, for another one.
  const isOther = job.message !== message || job.thread !== conversation;
  return isOther ? (await jobService.submit(body)).job_id : jobId;
}

/** Stored and live events of a job, each once and in order. Resolves after the last one, or when `signal` aborts. */
async function followJob(
  { jobService, live }: Pick<DoorParts, 'jobService' | 'live'>,
  jobId: string,
  onEvent: (event: StateEvent) => void,
  signal: AbortSignal,
): Promise<void> {
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  let seen = 0;
  let buffered: StateEvent[] | null = [];
  const take = (event: StateEvent): void => {
    if (event.seq <= seen) return;
    seen = event.seq;
    onEvent(event);
    if (event.type === 'done' || event.type === 'cancelled') end();
  };
  signal.addEventListener('abort', () => end(), { once: true });
  if (signal.aborted) end();
  const unsubscribe = live.subscribe(jobId, {
    event: (event) => (buffered === null ? take(event) : void buffered.push(event)),
    token: () => undefined,
  });
  try {
    for (
      let page = await jobService.events(jobId, 0);
      page.length > 0;
      page = await jobService.events(jobId, seen)
    ) {
      for (const event of page) take(event);
    }
    const late = buffered;
    buffered = null;
    for (const event of late) take(event);
    await ended;
  } finally {
    unsubscribe();
  }
}
