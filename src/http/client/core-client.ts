/** HTTP client of a running core, for the commands that use it from outside. */
import type { SubmitReceipt, JobPage, JobView } from '#shared/wire/job-service';
import type { OutgoingEvent } from '#shared/wire/document-event';
import type { StateEvent, TokenChunk } from '#shared/wire/state-event';
import type { ImportProgress, ImportReport } from '#shared/wire/import-report';
import type { CalendarReport } from '../routes/calendar-routes.ts';
import { abortableSleep } from '#shared/abortable-sleep';
import { messageOf } from '#shared/errors';
import { withoutBrackets } from '#shared/loopback';
import { ofUser } from './document-query.ts';
import { serverSentEvents } from './server-sent-events.ts';

/** Printed as one line; the exit code is 1. */
export class CommandError extends Error {}

/** The core refused the request. */
export class RefusedError extends CommandError {
  readonly status: number;
  readonly code: string;
  /** 0 if the core gave no delay. */
  readonly retryAfterMs: number;

  constructor(message: string, { status, headers }: Response, code: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.retryAfterMs = (Number(headers.get('retry-after')) || 0) * 1000;
  }
}

/** There was no response. The request may have arrived all the same. */
export class UnreachableError extends CommandError {}

/** The command line is invalid; the exit code is 2. */
export class UsageError extends Error {}

export interface CoreClient {
  readonly url: string;
  submit(body: Record<string, unknown>): Promise<string>;
  /** As `submit`, and returns the position in the job's events where the response to this message begins. */
  submitMessage(body: Record<string, unknown>): Promise<SubmitReceipt>;
  job(jobId: string): Promise<JobView>;
  jobs(query: Record<string, string>): Promise<JobPage>;
  /** Progress, line by line; the last line is the report. */
  importFiles(
    paths: string[],
    userId: string | undefined,
  ): AsyncIterable<ImportProgress | { report: ImportReport }>;
  /** The events of an answer to a question, as they arrive. Aborting cancels the question. */
  answer(
    path: string,
    body: Record<string, unknown>,
    signal: AbortSignal,
  ): AsyncIterable<StreamedEvent>;
  /** Imports the events of a calendar file. Idempotent: importing it again applies only the changes. */
  importCalendar(ics: string, userId: string | undefined): Promise<CalendarReport>;
  /** The calendar as the text of a calendar file. */
  exportCalendar(userId: string | undefined): Promise<string>;
  /** Requests outside jobs: JSON in, JSON out; null for a response without a body. */
  request(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: Record<string, unknown>,
  ): Promise<unknown>;
  events(jobId: string): Promise<StateEvent[]>;
  controlJob(jobId: string, verb: 'cancel' | 'confirm' | 'reject'): Promise<void>;
  /** State events and pieces of the answer until the final event. Reconnects when the core restarts. */
  follow(
    jobId: string,
    listener: FollowListener,
    signal: AbortSignal,
    afterSeq?: number,
  ): Promise<void>;
  /**
   * The events of all jobs and documents after a journal position, or (null) only new events, until the signal.
   * Reconnects like `follow`. `position` is null for all events of a row except its last.
   */
  followAll(
    from: number | null,
    onEvent: (event: OutgoingEvent, position: number | null) => void,
    signal: AbortSignal,
    onLost?: () => void,
  ): Promise<void>;
}

export interface StreamedEvent {
  type: string;
  data: Record<string, unknown>;
}

export interface FollowListener {
  event(event: StateEvent): void;
  token(chunk: TokenChunk): void;
  /** The connection was lost; the client reconnects. */
  lost(): void;
}

/** A restart takes well under a second; after a minute the user should decide. */
const reconnectForMs = 60_000;
const reconnectEveryMs = 500;
/** More than the events of any journal row. */
const rowEventsMax = 16;

/** The address at which this machine reaches the core of this configuration. */
export function reachableUrl({ host, port }: { host: string; port: number }): string {
  const bare = withoutBrackets(host);
  const open = ['0.0.0.0', '::'].includes(bare) ? '127.0.0.1' : bare;
  return `http://${open.includes(':') ? `[${open}]` : open}:${port}`;
}

export function createCoreClient(url: string, apiKey: string | null): CoreClient {
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
  };

  const fetched = async (path: string, init: RequestInit = {}): Promise<Response> => {
    const response = await fetchCore(`${url}${path}`, { headers, ...init });
    if (!response.ok) throw await parseProblem(response);
    return response;
  };
  const call = async (path: string, init: RequestInit = {}): Promise<unknown> => {
    const response = await fetched(path, init);
    if (response.status === 204) return null;
    try {
      return await response.json();
    } catch {
      throw unreachableError(response.url);
    }
  };

  const say = async (body: Record<string, unknown>): Promise<SubmitReceipt> =>
    (await call('/chat', { method: 'POST', body: JSON.stringify(body) })) as SubmitReceipt;

  return {
    url,
    submitMessage: say,
    submit: async (body) => (await say(body)).job_id,
    job: async (jobId) => (await call(`/chat/${encodeURIComponent(jobId)}`)) as JobView,
    jobs: async (query) =>
      (await call(`/jobs?${new URLSearchParams(query).toString()}`)) as JobPage,
    request: (method, path, body) =>
      call(path, { method, ...(body === undefined ? {} : { body: JSON.stringify(body) }) }),
    events: (jobId) => allEvents(call, jobId),
    async controlJob(jobId, verb) {
      await call(`/chat/${encodeURIComponent(jobId)}/${verb}`, { method: 'POST', body: '{}' });
    },
    async *importFiles(paths, userId) {
      const body = JSON.stringify({ paths, user_id: userId });
      yield* linesOf(await fetched('/documents/import', { method: 'POST', body }));
    },
    answer: (path, body, signal) =>
      streamedEvents(() => fetched(path, streamRequest(body, headers, signal))),
    async importCalendar(ics, userId) {
      const body = JSON.stringify({ ics, user_id: userId });
      return (await call('/calendar/import', { method: 'POST', body })) as CalendarReport;
    },
    async exportCalendar(userId) {
      const query = new URLSearchParams(ofUser(userId));
      return (await fetched(`/calendar.ics?${query.toString()}`)).text();
    },
    follow(jobId, listener, signal, afterSeq = 0) {
      const path = `${url}/chat/${encodeURIComponent(jobId)}/stream`;
      return followWithReconnect(path, headers, afterSeq, { ...listener, isOver: isFinal }, signal);
    },
    async followAll(from, onEvent, signal, lost = () => undefined) {
      // Fails at once if no core runs: reconnecting is only for a core that was reached before.
      await fetched('/healthz', { signal });
      const listener = { event: deduplicated(onEvent), token: () => undefined, lost };
      const reader = { ...listener, isOver: () => false };
      await followWithReconnect(`${url}/events`, headers, from ?? 'now', reader, signal);
    },
  };
}

/** After a reconnect the last row may be sent again as a whole: its events have the same ids. */
function deduplicated(
  onEvent: (event: OutgoingEvent, position: number | null) => void,
): (event: OutgoingEvent, id?: string) => void {
  let last: string[] = [];
  return (event, id) => {
    if (last.includes(event.id)) return;
    last = [...last.slice(-rowEventsMax), event.id];
    onEvent(event, id === undefined ? null : Number(id));
  };
}

/** All pages of a job's events. */
async function allEvents(
  call: (path: string) => Promise<unknown>,
  jobId: string,
): Promise<StateEvent[]> {
  const events: StateEvent[] = [];
  let cursor: string | null = '0';
  while (cursor !== null) {
    const query: string = new URLSearchParams({ cursor }).toString();
    const page = await call(`/jobs/${encodeURIComponent(jobId)}/events?${query}`);
    const { events: some, next } = page as { events: StateEvent[]; next?: string | null };
    events.push(...some);
    cursor = next ?? null;
  }
  return events;
}

/** One JSON value per line, as the lines arrive. */
async function* linesOf(
  response: Response,
): AsyncIterable<ImportProgress | { report: ImportReport }> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of response.body ?? []) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as ImportProgress | { report: ImportReport };
  }
}

const streamRequest = (
  body: Record<string, unknown>,
  headers: Record<string, string>,
  signal: AbortSignal,
): RequestInit => ({
  method: 'POST',
  body: JSON.stringify(body),
  signal,
  headers: { ...headers, accept: 'text/event-stream' },
});

async function* streamedEvents(ask: () => Promise<Response>): AsyncIterable<StreamedEvent> {
  for await (const { event: type = 'message', data } of serverSentEvents(await ask())) {
    yield { type, data: JSON.parse(data) as Record<string, unknown> };
  }
}

const isFinal = ({ type }: StateEvent): boolean => type === 'done' || type === 'cancelled';

interface StreamReader<Event extends OutgoingEvent> extends Omit<FollowListener, 'event'> {
  /** `id`: the position after which the stream can continue; not present on all events. */
  event(event: Event, id?: string): void;
  isOver(event: Event): boolean;
}

/** Reads an event stream, and continues at its last position after a lost connection. */
async function followWithReconnect<Event extends OutgoingEvent>(
  url: string,
  headers: Record<string, string>,
  from: number | 'now',
  reader: StreamReader<Event>,
  signal: AbortSignal,
): Promise<void> {
  let seen = String(from);
  let lostAt: number | null = null;
  for (;;) {
    const isOver = await readStream(url, { ...headers, 'last-event-id': seen }, reader, signal, {
      connected() {
        lostAt = null;
      },
      seen(id) {
        seen = id;
      },
    });
    if (isOver || signal.aborted) return;
    if (lostAt === null) reader.lost();
    lostAt ??= Date.now();
    if (Date.now() - lostAt > reconnectForMs) {
      throw new CommandError(
        `the core at ${new URL(url).origin} does not come back; its jobs are kept`,
      );
    }
    await abortableSleep(reconnectEveryMs, signal);
    if (signal.aborted) return;
  }
}

/** The error in a problem document; a core always sends one. */
async function parseProblem(response: Response): Promise<CommandError> {
  const problem = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  const { detail, title, code } = problem;
  const words = detail ?? title;
  if (typeof words !== 'string' || typeof code !== 'string') return unreachableError(response.url);
  return new RefusedError(`${words} (${code})`, response, code);
}

const unreachableError = (url: string): CommandError =>
  new CommandError(`what answers at ${new URL(url).origin} is no core of Gatehouse`);

async function fetchCore(url: string, init: RequestInit): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { ...init, redirect: 'manual' });
  } catch (error) {
    const cause = (error as Error).cause;
    throw new UnreachableError(
      `no core answers at ${new URL(url).origin} (${messageOf(cause ?? error)}); start one with: gatehouse serve`,
      { cause: error },
    );
  }
  // The key and the texts go to no other address than the one that was given.
  const location = response.headers.get('location');
  if (response.status >= 300 && response.status < 400 && location !== null) {
    await response.body?.cancel();
    throw new CommandError(
      `${new URL(url).origin} redirects to ${new URL(location, url).origin}; give that address with --url`,
    );
  }
  return response;
}

/** True after the final event. */
async function readStream<Event extends OutgoingEvent>(
  url: string,
  headers: Record<string, string>,
  reader: StreamReader<Event>,
  signal: AbortSignal,
  heard: { connected(): void; seen(id: string): void },
): Promise<boolean> {
  let isOver = false;
  try {
    const response = await fetch(url, { headers, signal, redirect: 'manual' });
    // The core is stopping, or has too many connections: handled like a lost connection.
    if (response.status === 429 || response.status >= 500) return false;
    if (!response.ok)
      throw new CommandError(`the core answered ${response.status} at ${new URL(url).pathname}`);
    heard.connected();
    // The position of `now`: after a lost connection the stream continues there and not at a later `now`.
    const position = response.headers.get('last-event-id');
    if (position !== null) heard.seen(position);
    // The final event was already received.
    if (response.status === 204) return true;
    for await (const { id, event: type, data } of serverSentEvents(response)) {
      if (type === 'token') {
        reader.token(JSON.parse(data) as TokenChunk);
        continue;
      }
      const event = JSON.parse(data) as Event;
      if (id !== undefined) heard.seen(id);
      reader.event(event, id);
      isOver ||= reader.isOver(event);
    }
  } catch (error) {
    if (error instanceof CommandError) throw error;
  }
  return isOver;
}
