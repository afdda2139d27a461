/**
 * A NATS micro service (ADR-32): endpoints that answer requests, and `$SRV.PING`, `INFO` and `STATS`, for `nats micro`
 * and other tools.
 * @see https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-32.md
 *
 * M1: every request gets exactly one response, also a refused one; except as in M3.
 * M2: at most `concurrency` requests run at once; further requests are refused at once. A flood costs refusals, not
 *     memory.
 * M3: a request whose reply subject belongs to Gatehouse or the broker is ignored and counted: a response would be a
 *     publish on behalf of a client without the permission. The broker itself sends such requests when a reader asks
 *     it to deliver to a subject of Gatehouse.
 */
import { parseJsonWithoutNul, removeNul } from '#shared/text/remove-nul';
import { headers, type Msg, type MsgHdrs, type NatsConnection } from 'nats';
import type { Subjects } from '#shared/wire/subjects';
import { GatehouseError, errorTable, messageOf, type ErrorCode } from '#shared/errors';
import { isTooDeep, jsonDepthMax } from '#shared/text/json-text';
import { createThrottledErrorLog } from '#shared/throttled-error-log';
import type { Log } from '#shared/log';
import { settledWithin } from '../connection/async-timers.ts';
import {
  serveDiscovery,
  type EndpointName,
  type EndpointStats,
  type ServiceDescription,
} from './service-discovery.ts';
import { traceHeader } from '#shared/wire/trace';

export interface Endpoint extends EndpointName {
  /** `bytesMax`: size limit of the response. @throws GatehouseError for every error that is returned to the client. */
  handle(request: ServiceRequest): Promise<unknown>;
}

export interface ServiceRequest {
  /** Subject of the request: an endpoint may subscribe to a wildcard. */
  subject: string;
  /** Parsed JSON; `{}` for an empty body. Unchecked. */
  body: unknown;
  header(name: string): string | null;
  bytesMax: number;
}

export interface MicroService {
  /** Accepts no more requests and waits (bounded) for those in progress. */
  stop(): Promise<void>;
}

export interface MicroServiceParts {
  nc: NatsConnection;
  description: ServiceDescription<Endpoint>;
  bodyBytesMax: number;
  concurrency: number;
  onResponse(isError: boolean): void;
  log: Log;
}

/** By then the client's own timeout has passed. */
const drainTimeoutMs = 5_000;
/** Part of the broker's limit that is reserved for headers. */
const headerBytesMax = 1_024;

export function startMicroService(parts: MicroServiceParts): MicroService {
  const { nc, description, log } = parts;
  const pending = new Set<Promise<void>>();
  const stats = new Map<Endpoint, EndpointStats>();

  const handle = async (endpoint: Endpoint, message: Msg): Promise<void> => {
    const began = performance.now();
    const endpointStats = stats.get(endpoint)!;
    endpointStats.num_requests += 1;
    const bytesMax = (nc.info?.max_payload ?? 1024 ** 2) - headerBytesMax;
    try {
      if (pending.size >= parts.concurrency) throw new GatehouseError('GH_REQUEST_TOO_MANY');
      const request = parseRequest(message, parts.bodyBytesMax, bytesMax);
      const answer = JSON.stringify(await endpoint.handle(request));
      if (Buffer.byteLength(answer) > bytesMax) throw new GatehouseError('GH_BUS_TOO_LARGE');
      respond(nc, message, answer, null);
      parts.onResponse(false);
    } catch (error) {
      const problem = toServiceProblem(error);
      if (problem.code === 'GH_JOB_BUG') {
        log.error({ endpoint: endpoint.name, error: messageOf(error) }, 'a request failed');
      }
      endpointStats.num_errors += 1;
      endpointStats.last_error = `${problem.code}: ${problem.message}`;
      parts.onResponse(true);
      respond(nc, message, JSON.stringify(problem), problem);
    } finally {
      endpointStats.processing_time += Math.round((performance.now() - began) * 1e6);
    }
  };

  const strayErrorLog = createThrottledErrorLog(log, 'a request was ignored');

  const acceptRequest = (endpoint: Endpoint, message: Msg): void => {
    if (!description.mayReplyTo(message.reply ?? '')) {
      const endpointStats = stats.get(endpoint)!;
      endpointStats.num_requests += 1;
      endpointStats.num_errors += 1;
      endpointStats.last_error = `ignored: it wants its answer on ${message.reply}`;
      parts.onResponse(true);
      strayErrorLog.error(new Error(endpointStats.last_error), { subject: message.subject });
      return;
    }
    const answered = handle(endpoint, message)
      .catch((error: unknown) => {
        log.debug({ error: messageOf(error) }, 'an answer could not be sent');
      })
      .then(() => void pending.delete(answered));
    pending.add(answered);
  };

  const subscriptions = description.endpoints.map((endpoint) => {
    stats.set(endpoint, { num_requests: 0, num_errors: 0, last_error: '', processing_time: 0 });
    return nc.subscribe(endpoint.subject, {
      queue: description.queue,
      callback(error, message) {
        if (error !== null) {
          log.error({ subject: endpoint.subject, error: error.message }, 'not allowed to serve');
          return;
        }
        acceptRequest(endpoint, message);
      },
    });
  });

  subscriptions.push(...serveDiscovery(nc, description, stats));

  return {
    async stop() {
      for (const subscription of subscriptions) subscription.unsubscribe();
      await settledWithin(drainTimeoutMs, Promise.all(pending));
    },
  };
}

/** Accepts any reply subject, except the broker's own and ours. Empty is accepted: no response is sent then. */
export const replyRule =
  (subjects: Subjects) =>
  (subject: string): boolean =>
    !subject.startsWith('$') && !subjects.isUnderPrefix(subject);

function parseRequest(message: Msg, bodyBytesMax: number, bytesMax: number): ServiceRequest {
  if (message.data.length > bodyBytesMax) {
    throw new GatehouseError(
      'GH_REQUEST_TOO_LARGE',
      `The body is larger than ${bodyBytesMax} bytes`,
    );
  }
  return {
    subject: message.subject,
    body: message.data.length === 0 ? {} : parseJson(message.data),
    header: (name) => removeNul(message.headers?.get(name) ?? '') || null,
    bytesMax,
  };
}

/** @throws GH_REQUEST_NOT_JSON; GH_REQUEST_INVALID if nested too deep */
export function parseJson(data: Uint8Array): unknown {
  let value: unknown;
  try {
    value = parseJsonWithoutNul(new TextDecoder('utf-8', { fatal: true }).decode(data));
  } catch (cause) {
    throw new GatehouseError('GH_REQUEST_NOT_JSON', undefined, { cause });
  }
  if (isTooDeep(value)) {
    throw new GatehouseError(
      'GH_REQUEST_INVALID',
      `The body is nested more than ${jsonDepthMax} levels deep`,
    );
  }
  return value;
}

export interface ServiceProblem {
  code: ErrorCode;
  message: string;
  status: number;
  retry_after_ms?: number;
  error_reason?: string;
}

export function toServiceProblem(error: unknown): ServiceProblem {
  if (!(error instanceof GatehouseError)) {
    const { title, status } = errorTable.GH_JOB_BUG;
    return { code: 'GH_JOB_BUG', message: title, status };
  }
  const { code, message, status, retryAfterMs, errorReason } = error;
  return {
    code,
    message,
    status,
    ...(retryAfterMs === null ? {} : { retry_after_ms: retryAfterMs }),
    ...(errorReason === null ? {} : { error_reason: errorReason }),
  };
}

function respond(
  nc: NatsConnection,
  message: Msg,
  body: string,
  problem: ServiceProblem | null,
): void {
  if (nc.isClosed()) return;
  const made = headers();
  const trace = message.headers?.get(traceHeader);
  if (trace) made.set(traceHeader, trace);
  if (problem !== null) setProblemHeaders(made, problem);
  message.respond(body, { headers: made });
}

export function setProblemHeaders(made: MsgHdrs, { message, status }: ServiceProblem): void {
  // A header is one line: text quoted from the request must not start another.
  made.set('Nats-Service-Error', message.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 256));
  made.set('Nats-Service-Error-Code', String(status));
}
