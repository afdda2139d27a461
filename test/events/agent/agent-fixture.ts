/** Gatehouse as an agent on a real broker, and a client beside it. */
import type { NatsConnection } from 'nats';
import type { MessagingOptions } from '#events/messaging-port';
import { until } from '#test/support/journal';
import { broker, connectClient, openGatehouse } from '../nats-fixture.ts';

export const agent = { name: 'gatehouse', owner: 'home', session: 'main', user: 'ann' };
export const discover = (nc: NatsConnection, verb: string) =>
  nc.request(`$SRV.${verb}.agents`, '', { timeout: 2_000 });

export async function served(
  options: Parameters<typeof openGatehouse>[1] & {
    config?: string;
    agentTimings?: MessagingOptions['agentTimings'];
  } = {},
) {
  const { config, agentTimings = {}, ...others } = options;
  const server = await broker(config === undefined ? {} : { config });
  const bodies: Record<string, unknown>[] = [];
  const rig = await openGatehouse(
    { url: server.url, agent },
    {
      jobService: (jobService) => ({
        ...jobService,
        submit(body, context) {
          bodies.push(body as Record<string, unknown>);
          return jobService.submit(body, context);
        },
      }),
      messaging: { agentTimings },
      ...others,
    },
  );
  const nc = await connectClient(server);
  await until(() =>
    discover(nc, 'PING').then(
      () => true,
      () => false,
    ),
  );
  return { server, rig, nc, bodies };
}
