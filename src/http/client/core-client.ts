/** HTTP client of a running core, for the commands that use it from outside. */
import type { SubmitReceipt, JobPage, JobView } from '#shared/wire/job-service';
import type { RunsView, SchedulePage, ScheduleView } from '#shared/wire/schedule-service';
import type { OutgoingEvent } from '#shared/wire/document-event';
import type { StateEvent, TokenChunk } from '#shared/wire/state-event';
import type { ImportProgress, ImportReport } from '#shared/wire/import-report';
import type { CalendarReport } from '../routes/calendar-routes.ts';
import { abortableSleep } from '#shared/abortable-sleep';
import { messageOf } from '#shared/errors';
import { withoutBrackets } from '#shared/loopback';
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

type ImportLine = ImportProgress | { report: ImportReport };

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

type Query = Record<string, string>;
type Body = Record<string, unknown>;

export class CoreClient {
  readonly url: string;
  readonly #headers: Record<string, string>;

  constructor(url: string, apiKey: string | null) {
    this.url = url;
    this.#headers = {
      'content-type': 'application/json',
      ...(apiKey === null ? {} : { authorization: `Bearer ${apiKey}` }),
    };
  }

  async submit(body: Body): Promise<string> {
    return (await this.submitMessage(body)).job_id;
  }

  /** As `submit`, and returns the position in the job's events where the response to this message begins. */
  submitMessage(body: Body): Promise<SubmitReceipt> {
    return this.request('POST', '/chat', body);
  }

  job(jobId: string): Promise<JobView> {
    return this.request('GET', `/chat/${encodeURIComponent(jobId)}`);
  }

  jobs(query: Query): Promise<JobPage> {
    return this.request('GET', `/jobs?${new URLSearchParams(query).toString()}`);
  }

  /** JSON in, JSON out; null for a response without a body. */
  async request<Answer>(method: string, path: string, body?: Body): Promise<Answer> {
    const sent = body === undefined ? {} : { body: JSON.stringify(body) };
    const response = await this.#fetch(path, { method, ...sent });
    if (response.status === 204) return null as Answer;
    try {
      return (await response.json()) as Answer;
    } catch {
      throw unreachableError(response.url);
    }
  }

  /** All pages of a job's events. */
  async events(jobId: string): Promise<StateEvent[]> {
    const events: StateEvent[] = [];
    let cursor: string | null = '0';
    while (cursor !== null) {
      const path = `/jobs/${encodeURIComponent(jobId)}/events?${new URLSearchParams({ cursor })}`;
      const page: { events: StateEvent[]; next?: string | null } = await this.request('GET', path);
      events.push(...page.events);
      cursor = page.next ?? null;
    }
    return events;
  }

  async controlJob(jobId: string, verb: 'cancel' | 'confirm' | 'reject'): Promise<void> {
    await this.request('POST', `/chat/${encodeURIComponent(jobId)}/${verb}`, {});
  }

  schedules(query: Query): Promise<SchedulePage> {
    return this.request('GET', `/schedules?${new URLSearchParams(query).toString()}`);
  }

  createSchedule(body: Body): Promise<ScheduleView> {
    return this.request('POST', '/schedules', body);
  }

  changeSchedule(
    id: string,
    verb: 'pause' | 'resume' | 'delete',
    user: Query,
  ): Promise<ScheduleView> {
    const path = `/schedules/${encodeURIComponent(id)}`;
    return verb === 'delete'
      ? this.request('DELETE', `${path}?${new URLSearchParams(user).toString()}`)
      : this.request('POST', `${path}/${verb}`, user);
  }

  runSchedule(id: string, user: Query): Promise<{ schedule_id: string; job_id: string }> {
    return this.request('POST', `/schedules/${encodeURIComponent(id)}/run`, user);
  }

  scheduleRuns(id: string, query: Query): Promise<RunsView> {
    const path = `/schedules/${encodeURIComponent(id)}/runs`;
    return this.request('GET', `${path}?${new URLSearchParams(query).toString()}`);
  }

  /** Progress, line by line; the last line is the report. */
  async *importFiles(paths: string[], userId: string | undefined): AsyncIterable<ImportLine> {
    const body = JSON.stringify({ paths, user_id: userId });
    yield* linesOf(await this.#fetch('/documents/import', { method: 'POST', body }));
  }

  /** The events of an answer to a question, as they arrive. Aborting cancels the question. */
  async *answer(path: string, body: Body, signal: AbortSignal): AsyncIterable<StreamedEvent> {
    const headers = { ...this.#headers, accept: 'text/event-stream' };
    const init = { method: 'POST', body: JSON.stringify(body), signal, headers };
    const response = await this.#fetch(path, init);
    for await (const { event: type = 'message', data } of serverSentEvents(response)) {
      yield { type, data: JSON.parse(data) as Record<string, unknown> };
    }
  }

  /** Imports the events of a calendar file. Idempotent: importing it again applies only the changes. */
  importCalendar(ics: string, userId: string | undefined): Promise<CalendarReport> {
    return this.request('POST', '/calendar/import', { ics, user_id: userId });
  }

  /** The calendar as the text of a calendar file. */
  async exportCalendar(userId: string | undefined): Promise<string> {
    const query = new URLSearchParams(ofUser(userId));
    return (await this.#fetch(`/calendar.ics?${query.toString()}`)).text();
  }

  /** State events and pieces of the answer until the final event. Reconnects when the core restarts. */
  follow(
    jobId: string,
    listener: FollowListener,
    signal: AbortSignal,
    afterSeq = 0,
  ): Promise<void> {
    const path = `/chat/${encodeURIComponent(jobId)}/stream`;
    return this.#follow(path, afterSeq, { ...listener, isOver: isFinal }, signal);
  }

  /**
   * The events of all jobs and documents after a journal position, or (null) only new events, until the signal.
   * Reconnects like `follow`. `position` is null for all events of a row except its last.
   */
  async followAll(
    from: number | null,
    onEvent: (event: OutgoingEvent, position: number | null) => void,
    signal: AbortSignal,
    lost: () => void = () => undefined,
  ): Promise<void> {
    // Fails at once if no core runs: reconnecting is only for a core that was reached before.
    await this.#fetch('/healthz', { signal });
    const listener = { event: deduplicated(onEvent), token: () => undefined, lost };
    await this.#follow('/events', from ?? 'now', { ...listener, isOver: () => false }, signal);
  }

  /** @throws CommandError for a response that is not 2xx */
  async #fetch(path: string, init: RequestInit = {}): Promise<Response> {
    const response = await fetchCore(`${this.url}${path}`, { headers: this.#headers, ...init });
    if (!response.ok) throw await parseProblem(response);
    return response;
  }

  /** Reads an event stream, and continues at its last position after a lost connection. */
  async #follow<Event extends OutgoingEvent>(
    path: string,
    from: number | 'now',
    reader: StreamReader<Event>,
    signal: AbortSignal,
  ): Promise<void> {
    const position = { seen: String(from), lostAt: null as number | null };
    for (;;) {
      const headers = { ...this.#headers, 'last-event-id': position.seen };
      const isOver = await readStream(`${this.url}${path}`, headers, reader, signal, position);
      if (isOver || signal.aborted) return;
      if (position.lostAt === null) reader.lost();
      position.lostAt ??= Date.now();
      if (Date.now() - position.lostAt > reconnectForMs) {
        throw new CommandError(
          `the core at ${new URL(this.url).origin} does not come back; its jobs are kept`,
        );
      }
      await abortableSleep(reconnectEveryMs, signal);
      if (signal.aborted) return;
    }
  }
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

/** One JSON value per line, as the lines arrive. */
async function* linesOf(response: Response): AsyncIterable<ImportLine> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const bytes of response.body ?? []) {
    const lines = (rest + decoder.decode(bytes, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as ImportLine;
  }
}

const isFinal = ({ type }: StateEvent): boolean => type === 'done' || type === 'cancelled';

interface StreamReader<Event extends OutgoingEvent> extends Omit<FollowListener, 'event'> {
  /** `id`: the position after which the stream can continue; not present on all events. */
  event(event: Event, id?: string): void;
  isOver(event: Event): boolean;
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

/** True after the final event. `heard`: the last position, and since when the connection is lost. */
async function readStream<Event extends OutgoingEvent>(
  url: string,
  headers: Record<string, string>,
  reader: StreamReader<Event>,
  signal: AbortSignal,
  heard: { seen: string; lostAt: number | null },
): Promise<boolean> {
  let isOver = false;
  try {
    const response = await fetch(url, { headers, signal, redirect: 'manual' });
    // The core is stopping, or has too many connections: handled like a lost connection.
    if (response.status === 429 || response.status >= 500) return false;
    if (!response.ok)
      throw new CommandError(`the core answered ${response.status} at ${new URL(url).pathname}`);
    heard.lostAt = null;
    // The position of `now`: after a lost connection the stream continues there and not at a later `now`.
    heard.seen = response.headers.get('last-event-id') ?? heard.seen;
    // The final event was already received.
    if (response.status === 204) return true;
    for await (const { id, event: type, data } of serverSentEvents(response)) {
      if (type === 'token') {
        reader.token(JSON.parse(data) as TokenChunk);
        continue;
      }
      const event = JSON.parse(data) as Event;
      heard.seen = id ?? heard.seen;
      reader.event(event, id);
      isOver ||= reader.isOver(event);
    }
  } catch (error) {
    if (error instanceof CommandError) throw error;
  }
  return isOver;
}

/** Default: the user of the key, else `local`. */
export const ofUser = (userId: string | undefined): Record<string, string> =>
  userId === undefined ? {} : { user_id: userId };

export const listQueryOf = ({
  limit,
  user,
}: {
  limit?: string | undefined;
  user?: string | undefined;
}): string =>
  new URLSearchParams({
    ...ofUser(user),
    ...(limit === undefined ? {} : { limit }),
  }).toString();
