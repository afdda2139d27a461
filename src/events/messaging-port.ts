/**
 * Messaging's dependencies and its public interface. The composition root passes the store, the job service and the
 * live hub, which fit these shapes.
 */
import type { AgentConfig } from './agent/agent-subjects.ts';
import type { AgentTimings } from './agent/agent-service.ts';
import type { NatsTransport } from './connection/nats-transport.ts';
import type { TaskSwitch } from './connection/task-switch.ts';
import type { Persons } from '#shared/persons';
import type { JobService } from '#shared/wire/job-service';
import type { ScheduleService } from '#shared/wire/schedule-service';
import type { Delivery } from '#shared/wire/delivery-report';
import type { DeliveryReportStorage, EventLogStorage } from './event-log-port.ts';
import type { MaybePromise } from '#shared/maybe-promise';
import type { LiveSource } from '#shared/wire/live-source';
import type { ErrorCode } from '#shared/errors';
import type { FaultInjector } from '#shared/fault-points';
import type { Log } from '#shared/log';

/** The section `nats` of the configuration. */
export interface MessagingConfig {
  /** `auto`: `url` if set, else an embedded server, else none. */
  mode: 'auto' | 'external' | 'child' | 'off';
  /** One server, or several of one cluster separated by commas; `tls://` requires encryption. */
  url: string | null;
  prefix: string;
  user: string | null;
  password: string | null;
  token: string | null;
  credsFile: string | null;
  /** PEM files, for a server certificate from a private authority, or for client certificates. */
  caFile?: string | null;
  certFile?: string | null;
  keyFile?: string | null;
  /** Null or omitted: the agent protocol is not answered. */
  agent?: AgentConfig | null;
}

export interface MessagingOptions {
  config: MessagingConfig;
  jobService: JobService;
  /** Default: there are none. */
  persons?: Persons | undefined;
  schedules: ScheduleService;
  outbox: EventLogStorage;
  live: LiveSource;
  /** With the jobs of the other workers, by job id. Default: `live`. */
  liveOfAll?: LiveSource | undefined;
  /** Calls the listener when `outbox` has new rows. Null or omitted: at each event of `live`. */
  onAppended?: ((listener: () => void) => () => void) | null;
  deliveries: DeliveryReportStorage;
  /** A delivery report was stored, perhaps again. One that rejects is handled again after a pause. */
  onReport?(delivery: Delivery): Promise<void>;
  log: Log;
  faults: FaultInjector;
  /** Folder of the database: the embedded server keeps its data in `nats/` below it. */
  dataFolder: string;
  /** Channels served by a bridge. */
  channels: readonly string[];
  /** Our version, shown by the micro service. Three numbers. */
  version?: string;
  /** Program of the embedded server, and its preferred port; 0: any. */
  embeddedServer?: { command?: string; port?: number };
  timings?: Partial<MessagingTimings>;
  agentTimings?: Partial<AgentTimings>;
  /** Omitted: this process is alone, and does both. */
  switches?: MessagingSwitches | undefined;
  /** Copies of each stream. Default 1. */
  replicas?: number | undefined;
  /** Gets each connection. */
  transport?: Pick<NatsTransport, 'attach' | 'detach'> | undefined;
}

/** What one process of a cluster does at a time. */
export interface MessagingSwitches {
  /** Publishes the outbox. */
  relay: TaskSwitch;
  /** Takes messages from the work queues. */
  intake: TaskSwitch;
}

export interface MessagingTimings {
  /** First wait of the backoff between attempts … */
  retryMs: number;
  /** … and its maximum. Longer delays users after an outage, shorter fills logs and sockets during one. */
  retryMsMax: number;
  /** How often an idle relay checks its stream: a wiped stream is filled again. */
  auditMs: number;
  /**
   * Redelivery wait of an unacknowledged message of the work queue: users wait for it after a crash. If it is shorter
   * than a stall of this process, messages still in hand are redelivered.
   */
  ackWaitMs: number;
  /** First wait of the backoff of a submit that was not accepted … */
  submitRetryMs: number;
  /** … and its maximum. */
  submitRetryMsMax: number;
  /** How long a submit is retried (queue full, disk full) before it is refused and its sender notified. */
  submitRetryForMs: number;
}

export const defaultTimings: MessagingTimings = {
  retryMs: 250,
  retryMsMax: 5_000,
  auditMs: 15_000,
  ackWaitMs: 5_000,
  submitRetryMs: 1_000,
  submitRetryMsMax: 5_000,
  submitRetryForMs: 3_600_000,
};

export interface NatsProblem {
  code: ErrorCode;
  message: string;
}

export interface MessagingStatus {
  bus: 'connected' | 'connecting' | 'off';
  /** Without credentials; null if no server is known. */
  url: string | null;
  /** The current problem; null if there is none. */
  lastError: NatsProblem | null;
  server: { kind: 'own' | 'external'; version: string; pid: number | null } | null;
  /** Streams whose settings differ from ours without harm. */
  notes: string[];
  /** Since the start of the process. */
  counts: MessagingCounts;
}

export interface MessagingBacklog {
  /** Journal rows not published yet. */
  backlog: number;
  /** Age of the oldest of them. */
  oldestMs: number | null;
}

/** Reports of one channel, by what became of the reply. */
export type ChannelDeliveries = Readonly<Record<Delivery['status'], number>>;

export interface MessagingCounts {
  /** Events published on the event stream. */
  events: number;
  replies: number;
  tokenFrames: number;
  requests: number;
  requestErrors: number;
  /** Durable submits that were accepted. */
  submits: number;
  deliveries: number;
  /** Messages that could not be processed, moved to the dead-letter stream. */
  deadLetters: number;
  /** Consumers that were made again because NATS counted messages in hand that no process had. */
  healedConsumers: number;
}

export interface Messaging {
  /** Returns at once. Without a server everything else runs, and the outbox keeps the events to publish. */
  start(): void;
  /** Graceful shutdown: accepts no more work, finishes work in hand, publishes what is committed (both bounded). */
  stop(): Promise<void>;
  status(): MessagingStatus;
  /** By the name of the channel; since the start of the process. */
  channelDeliveries(): ReadonlyMap<string, ChannelDeliveries>;
  /** 0 rows when they cannot be read: that is logged. */
  backlog(): MaybePromise<MessagingBacklog>;
  /** Whether a bridge takes the replies of a channel at this moment; null: that cannot be known now. */
  hasBridge(channel: string): Promise<boolean | null>;
  /** True: everything committed before the call is on the broker. False: the broker is not reachable. */
  flush(): Promise<boolean>;
}
