/**
 * Agent protocol 0.3 on NATS (docs/agents.md): the micro service `agents`, by which programs on the bus find Gatehouse
 * and prompt it. A prompt is a message of the user in `nats.agent`.
 * @see https://github.com/synadia-ai/synadia-agents
 *
 * G1: a refused prompt costs one error and its terminator, and keeps nothing.
 * G2: at most `openMax` replies are open; further prompts are refused.
 * G3: nothing is sent to a subject of the broker, of Gatehouse or of an agent (M3 of the micro service): an answer there
 *     would be another prompt.
 */
import { nuid, type Msg, type NatsConnection } from 'nats';
import { GatehouseError, messageOf } from '#shared/errors';
import type { Log } from '#shared/log';
import { createThrottledErrorLog } from '#shared/throttled-error-log';
import type { JobService } from '#shared/wire/job-service';
import type { LiveSource } from '#shared/wire/live-source';
import { traceHeader } from '#shared/wire/trace';
import { settledWithin } from '../connection/async-timers.ts';
import { idempotencyHeader } from '../service/job-endpoints.ts';
import type { MicroService } from '../service/micro-service.ts';
import {
  serveDiscovery,
  type EndpointName,
  type EndpointStats,
  type ServiceDescription,
} from '../service/service-discovery.ts';
import { createAgentReply, type AgentReply } from './agent-reply.ts';
import { parseAgentRequest } from './agent-request.ts';
import { agentChannel, streamJob } from './agent-stream.ts';
import { createAgentSubjects, isAgentSubject, type AgentConfig } from './agent-subjects.ts';

export interface AgentTimings {
  heartbeatMs: number;
  /** Callers give up after 60 s without a chunk. */
  keepAliveMs: number;
}

export const defaultAgentTimings: AgentTimings = { heartbeatMs: 30_000, keepAliveMs: 15_000 };

export interface AgentServiceParts {
  config: AgentConfig;
  jobService: JobService;
  live: LiveSource;
  version: string;
  mayReplyTo(subject: string): boolean;
  timings: AgentTimings;
  onResponse(isError: boolean): void;
  log: Log;
}

/** Open replies: each waits for its job. */
const openMax = 256;
/** A prompt, and a file of 60,000 characters in base64. */
const requestBytesMax = 512 * 1024;
const drainTimeoutMs = 5_000;
/** The protocol names this group. */
const queue = 'agents';

/** Per process, so that all its connections are one instance. */
export function createAgentService(parts: AgentServiceParts): (nc: NatsConnection) => MicroService {
  const id = nuid.next();
  return (nc) => new AgentService(parts, nc, id);
}

class AgentService implements MicroService {
  readonly #parts: AgentServiceParts;
  readonly #nc: NatsConnection;
  readonly #description: ServiceDescription;
  readonly #heartbeatSubject: string;
  readonly #answerSubject: (questionId: string) => string;
  readonly #bytesMax: number;
  readonly #stats = new Map<EndpointName, EndpointStats>();
  readonly #open = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #heartbeat: NodeJS.Timeout;
  readonly #strayLog;
  readonly #subscriptions;

  constructor(parts: AgentServiceParts, nc: NatsConnection, id: string) {
    const subjects = createAgentSubjects(parts.config);
    const brokerMax = nc.info?.max_payload ?? 1024 ** 2;
    this.#parts = parts;
    this.#strayLog = createThrottledErrorLog(parts.log, 'a prompt was ignored');
    this.#nc = nc;
    this.#heartbeatSubject = subjects.heartbeat;
    this.#answerSubject = subjects.answer;
    this.#bytesMax = Math.min(brokerMax, requestBytesMax);
    const max_payload = brokerMax < requestBytesMax ? `${brokerMax}B` : '512KB';
    const prompt = {
      name: 'prompt',
      subject: subjects.prompt,
      metadata: { max_payload, attachments_ok: 'true' },
    };
    const status = { name: 'status', subject: subjects.status };
    const { name: agent, owner, session } = parts.config;
    this.#description = {
      name: 'agents',
      version: parts.version,
      description: 'Gatehouse: one assistant on your own machines',
      id,
      queue,
      metadata: { agent, owner, session, protocol_version: '0.3' },
      endpoints: [prompt, status],
      mayReplyTo: (subject) => !isAgentSubject(subject) && parts.mayReplyTo(subject),
    };
    this.#subscriptions = [
      this.#serve(prompt, (message) => this.#prompt(message)),
      this.#serve(status, (message) => Promise.resolve(this.#status(message))),
      ...serveDiscovery(nc, this.#description, this.#stats),
    ];
    this.#beat();
    this.#heartbeat = setInterval(() => this.#beat(), parts.timings.heartbeatMs).unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#heartbeat);
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#stopping.abort();
    await settledWithin(drainTimeoutMs, Promise.all(this.#open));
  }

  #serve(endpoint: EndpointName, handle: (message: Msg) => Promise<void>) {
    const { log, onResponse } = this.#parts;
    const stats: EndpointStats = {
      num_requests: 0,
      num_errors: 0,
      last_error: '',
      processing_time: 0,
    };
    this.#stats.set(endpoint, stats);
    const run = async (message: Msg): Promise<void> => {
      const began = performance.now();
      const error = await handle(message).then(
        () => null,
        (cause: unknown) => messageOf(cause),
      );
      stats.num_requests += 1;
      stats.processing_time += Math.round((performance.now() - began) * 1e6);
      onResponse(error !== null);
      if (error === null) return;
      stats.num_errors += 1;
      stats.last_error = error;
    };
    return this.#nc.subscribe(endpoint.subject, {
      queue,
      callback: (error, message) => {
        if (error === null) void run(message);
        else log.error({ subject: endpoint.subject, error: error.message }, 'not allowed to serve');
      },
    });
  }

  /** @throws what the caller was refused for */
  async #prompt(message: Msg): Promise<void> {
    this.#requireReplySubject(message);
    const reply = createAgentReply(this.#nc, message.reply ?? '');
    try {
      if (this.#open.size >= openMax) throw new GatehouseError('GH_REQUEST_TOO_MANY');
      // Parsed at once: of a refused prompt nothing is kept.
      const request = this.#parse(message);
      const open = this.#answer(message, request, reply).finally(() => this.#open.delete(settled));
      const settled = open.catch(() => undefined);
      this.#open.add(settled);
      await open;
    } catch (error) {
      if (!(error instanceof GatehouseError)) {
        this.#parts.log.error({ error: messageOf(error) }, 'a prompt failed');
      }
      if (!reply.isEnded) reply.fail(error);
      throw error;
    }
  }

  #requireReplySubject({ reply = '', subject }: Msg): void {
    if (this.#description.mayReplyTo(reply)) return;
    const error = new Error(`ignored: it wants its answer on ${reply}`);
    this.#strayLog.error(error, { subject });
    throw error;
  }

  #parse({ data }: Msg) {
    if (data.length > this.#bytesMax) {
      throw new GatehouseError(
        'GH_REQUEST_TOO_LARGE',
        `The prompt is larger than ${this.#bytesMax} bytes`,
      );
    }
    return parseAgentRequest(data);
  }

  async #answer(
    { headers, reply: replySubject }: Msg,
    { prompt, attachment }: ReturnType<typeof parseAgentRequest>,
    reply: AgentReply,
  ): Promise<void> {
    const { jobService, live, config, timings, log } = this.#parts;
    const key = headers?.get(idempotencyHeader) || undefined;
    const receipt = await jobService.submit(
      {
        message: prompt,
        user_id: config.user,
        channel: agentChannel,
        attachment,
        idempotency_key: key,
      },
      { traceparent: headers?.get(traceHeader) || undefined },
    );
    // Nobody reads: the reply is in the job.
    if (!replySubject) return;
    reply.status('ack', { job_id: receipt.job_id });
    const stream = {
      nc: this.#nc,
      jobService,
      live,
      user: config.user,
      answerSubject: this.#answerSubject,
      keepAliveMs: timings.keepAliveMs,
      log,
    };
    await streamJob(stream, reply, receipt, this.#stopping.signal);
  }

  #status(message: Msg): void {
    this.#requireReplySubject(message);
    message.respond(this.#state());
  }

  #beat(): void {
    if (!this.#nc.isClosed()) this.#nc.publish(this.#heartbeatSubject, this.#state());
  }

  #state(): string {
    const { name: agent, owner, session } = this.#parts.config;
    return JSON.stringify({
      agent,
      owner,
      session,
      instance_id: this.#description.id,
      ts: new Date().toISOString(),
      interval_s: this.#parts.timings.heartbeatMs / 1000,
    });
  }
}
