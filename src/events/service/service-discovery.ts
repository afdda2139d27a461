/**
 * Discovery and monitoring of a NATS micro service: `$SRV.PING`, `INFO` and `STATS`, each for all services, for a
 * service name and for one instance (ADR-32).
 */
import type { NatsConnection, Subscription } from 'nats';

export interface EndpointName {
  name: string;
  subject: string;
  /** For clients that discover the service. */
  metadata?: Record<string, string>;
}

export interface ServiceDescription<Endpoint extends EndpointName = EndpointName> {
  name: string;
  /** Three numbers. */
  version: string;
  description: string;
  /** Id of this process. */
  id: string;
  /** Queue group: one of its processes answers a request. */
  queue: string;
  endpoints: Endpoint[];
  /** For clients that discover the service. */
  metadata?: Record<string, string>;
  /** False: a request with this reply subject is ignored. */
  mayReplyTo(subject: string): boolean;
}

export interface EndpointStats {
  num_requests: number;
  num_errors: number;
  last_error: string;
  /** Nanoseconds, as the protocol requires. */
  processing_time: number;
}

export function serveDiscovery(
  nc: NatsConnection,
  service: ServiceDescription,
  stats: ReadonlyMap<EndpointName, EndpointStats>,
): Subscription[] {
  const started = new Date().toISOString();
  const { name, id } = service;
  const answers: Record<string, Describe> = { PING: ping, INFO: info, STATS: statistics };
  return Object.entries(answers).flatMap(([verb, describe]) =>
    [`$SRV.${verb}`, `$SRV.${verb}.${name}`, `$SRV.${verb}.${name}.${id}`].map((subject) =>
      nc.subscribe(subject, {
        callback(error, message) {
          if (error !== null || !service.mayReplyTo(message.reply ?? '')) return;
          message.respond(JSON.stringify(describe(service, stats, started)));
        },
      }),
    ),
  );
}

type Describe = (
  service: ServiceDescription,
  stats: ReadonlyMap<EndpointName, EndpointStats>,
  started: string,
) => unknown;

const identity = ({ name, id, version, metadata = {} }: ServiceDescription) => ({
  name,
  id,
  version,
  metadata,
});

const ping: Describe = (service) => ({
  type: 'io.nats.micro.v1.ping_response',
  ...identity(service),
});

const info: Describe = (service) => ({
  type: 'io.nats.micro.v1.info_response',
  ...identity(service),
  description: service.description,
  endpoints: service.endpoints.map(({ name, subject, metadata = {} }) => ({
    name,
    subject,
    queue_group: service.queue,
    metadata,
  })),
});

const statistics: Describe = (service, stats, started) => ({
  type: 'io.nats.micro.v1.stats_response',
  ...identity(service),
  started,
  endpoints: [...stats].map(([{ name, subject }, one]) => ({
    name,
    subject,
    queue_group: service.queue,
    ...one,
    average_processing_time:
      one.num_requests === 0 ? 0 : Math.round(one.processing_time / one.num_requests),
  })),
});
