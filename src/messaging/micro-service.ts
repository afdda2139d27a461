/**
 * A NATS micro service (ADR-32): endpoints that answer requests, and `$SRV.PING`, `INFO` and `STATS`, by
 * which `nats micro` and other tools find and watch it.
 * @see https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-32.md
 *
 * M1: every request gets exactly one answer, also one that is refused; but see M3.
 * M2: at most `concurrency` requests are being answered; one more is refused at once. A flood costs
 *     refusals, not memory.
 * M3: a request that wants its answer on a subject of ours, or of the broker's, is ignored and counted: answering would
 *     publish there on behalf of a client that has no right to. The broker itself sends such requests where a reader
 *     asks it to deliver to a subject of ours.
 */
import { headers, type Msg, type NatsConnection } from 'nats';
import type { Subjects } from '../contract/subjects.ts';
import { GatehouseError, errorTable, messageOf, type ErrorCode } from '../lib/errors.ts';
import { isTooDeep, jsonDepthMax } from '../lib/json-depth.ts';
import { createLastingFault } from '../lib/lasting-fault.ts';
import type { Log } from '../lib/log.ts';
import { within } from './pause.ts';
import {
  serveDiscovery,
  type EndpointName,
  type EndpointStats,
  type ServiceDescription,
} from './service-discovery.ts';
import { traceHeader } from '../contract/trace.ts';

export interface Endpoint extends EndpointName {
  /** `bytesMax` is what an answer may take. @throws GatehouseError for everything the caller is to know. */
  answer(request: ServiceRequest): Promise<unknown>;
}

export interface ServiceRequest {
  /** On which it came: an endpoint may listen on a wildcard. */
  subject: string;
  /** Parsed JSON; `{}` where the body is empty. Unchecked. */
  body: unknown;
  header(name: string): string | null;
  bytesMax: number;
}

export interface MicroService {
  /** Takes no more requests and waits (bounded) for those that are being answered. */
  stop(): Promise<void>;
}

export interface MicroServiceParts {
  nc: NatsConnection;
  description: ServiceDescription<Endpoint>;
  bodyBytesMax: number;
  concurrency: number;
  onAnswered(isError: boolean): void;
  log: Log;
}

/** An answer that is not there by then comes too late for its caller. */
const finishMs = 5_000;
/** What the broker's limit must hold besides the body. */
const headerBytesMax = 1_024;

export function startMicroService(parts: MicroServiceParts): MicroService {
  const { nc, description, log } = parts;
  const pending = new Set<Promise<void>>();
  const stats = new Map<Endpoint, EndpointStats>();

  const handle = async (endpoint: Endpoint, message: Msg): Promise<void> => {
    const began = performance.now();
    const mine = stats.get(endpoint)!;
    mine.num_requests += 1;
    const bytesMax = (nc.info?.max_payload ?? 1024 ** 2) - headerBytesMax;
    try {
      if (pending.size >= parts.concurrency) throw new GatehouseError('GH_REQUEST_TOO_MANY');
      const request = requestOf(message, parts.bodyBytesMax, bytesMax);
      const answer = JSON.stringify(await endpoint.answer(request));
      if (Buffer.byteLength(answer) > bytesMax) throw new GatehouseError('GH_BUS_TOO_LARGE');
      respond(nc, message, answer, null);
      parts.onAnswered(false);
    } catch (error) {
      const problem = problemOf(error);
      if (problem.code === 'GH_JOB_BUG') {
        log.error({ endpoint: endpoint.name, error: messageOf(error) }, 'a request failed');
      }
      mine.num_errors += 1;
      mine.last_error = `${problem.code}: ${problem.message}`;
      parts.onAnswered(true);
      respond(nc, message, JSON.stringify(problem), problem);
    } finally {
      mine.processing_time += Math.round((performance.now() - began) * 1e6);
    }
  };

  const strayFault = createLastingFault(log, 'a request was ignored');

  const take = (endpoint: Endpoint, message: Msg): void => {
    if (!description.mayReplyTo(message.reply ?? '')) {
      const mine = stats.get(endpoint)!;
      mine.num_requests += 1;
      mine.num_errors += 1;
      mine.last_error = `ignored: it wants its answer on ${message.reply}`;
      parts.onAnswered(true);
      strayFault.failed(new Error(mine.last_error), { subject: message.subject });
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
        take(endpoint, message);
      },
    });
  });

  subscriptions.push(...serveDiscovery(nc, description, stats));

  return {
    async stop() {
      for (const subscription of subscriptions) subscription.unsubscribe();
      await within(finishMs, Promise.all(pending));
    },
  };
}

/** An inbox of any name, but neither the broker's own subjects nor ours. Without a place for the answer there is none. */
export const replyRule =
  (subjects: Subjects) =>
  (subject: string): boolean =>
    !subject.startsWith('$') && !subjects.isOurs(subject);

function requestOf(message: Msg, bodyBytesMax: number, bytesMax: number): ServiceRequest {
  if (message.data.length > bodyBytesMax) {
    throw new GatehouseError(
      'GH_REQUEST_TOO_LARGE',
      `The body is larger than ${bodyBytesMax} bytes`,
    );
  }
  return {
    subject: message.subject,
    body: message.data.length === 0 ? {} : parsed(message.data),
    header: (name) => message.headers?.get(name) || null,
    bytesMax,
  };
}

/** @throws GH_REQUEST_NOT_JSON, GH_REQUEST_INVALID for what is nested too deep */
export function parsed(data: Uint8Array): unknown {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(data));
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

interface ServiceProblem {
  code: ErrorCode;
  message: string;
  status: number;
  retry_after_ms?: number;
  error_reason?: string;
}

function problemOf(error: unknown): ServiceProblem {
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
  if (problem !== null) {
    // A header is one line: what the message quotes of the request must not begin another.
    made.set('Nats-Service-Error', problem.message.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 256));
    made.set('Nats-Service-Error-Code', String(problem.status));
  }
  message.respond(body, { headers: made });
}
