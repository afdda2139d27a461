/** `POST /mcp`: the tools of Gatehouse for other programs, by the Model Context Protocol (docs/mcp.md). */
import { z } from 'zod';
import { GatehouseError } from '#shared/errors';
import type { Log } from '#shared/log';
import type { Caller } from '#shared/api-keys';
import { sendErrorsWith } from '../server/foreign-api.ts';
import type { RateLimiter } from '../server/rate-limiter.ts';
import {
  declareRoutes,
  jsonOrEventStream,
  userIdSchema,
  type RouteServer,
} from '../server/route-schemas.ts';
import { createDoorHttp, messagesIn, type DoorCaller } from './door-http.ts';
import { createDoorServer, type DoorOutcome } from './door-server.ts';
import type { DoorService } from './door-service.ts';
import type { DoorTool } from './door-tool.ts';

export interface DoorRoutesOptions {
  serviceOf(caller: DoorCaller): DoorService;
  /** Cancels the job that a request of this person has opened. */
  cancelRequest(user: string, requestKey: string): Promise<void>;
  limits: Pick<RateLimiter, 'chargeUser'>;
  version: string;
  nextId(): string;
  onCall?(tool: string, outcome: DoorOutcome): void;
  /** For tests of the transport. */
  otherTools?: readonly DoorTool[];
  log: Log;
}

const jsonRpcError = z
  .strictObject({
    jsonrpc: z.literal('2.0'),
    id: z.null(),
    error: z.strictObject({
      code: z.int(),
      message: z.string(),
      data: z.strictObject({ code: z.string() }).describe('One of docs/errors.md.'),
    }),
  })
  .meta({ id: 'JsonRpcError' });

const answer = z
  .union([z.looseObject({ jsonrpc: z.literal('2.0') }), z.array(z.looseObject({}))])
  .describe('JSON-RPC 2.0.');

const declare = declareRoutes('mcp');

/** The operator, and a client without a key, act for the user of a single-user installation. */
const userOf = ({ user }: Caller): string => user ?? userIdSchema.parse(undefined);

export function doorRoutes(options: DoorRoutesOptions): (server: RouteServer) => void {
  const routes = (scope: RouteServer, _: object, done: () => void): void => {
    const door = createDoorHttp({
      createServer: (caller, requestOf) =>
        createDoorServer({ ...options, service: options.serviceOf(caller), requestOf }),
      cancelElsewhere: (user, requestKey) => options.cancelRequest(user, requestKey),
    });
    scope.addHook('preClose', async () => door.stop());
    sendErrorsWith(scope, options.log, (error, reply) => {
      if (error.status === 401) void reply.header('www-authenticate', 'Bearer');
      return reply.code(error.status).send(toJsonRpcError(error));
    });
    scope.post(
      '/mcp',
      declare.person(
        'The Model Context Protocol: Streamable HTTP without sessions (docs/mcp.md).',
        {
          body: z.unknown().describe('A message of JSON-RPC 2.0, or an array of them.'),
          response: {
            200: jsonOrEventStream(answer, 'for a client that accepts it'),
            202: z.null().describe('Notifications have no answer.'),
            400: jsonRpcError,
          },
        },
      ),
      (request, reply) => {
        const user = userOf(request.caller);
        // Each message of a batch counts as a request.
        if (request.caller.user !== null) {
          options.limits.chargeUser(user, Math.max(0, messagesIn(request.body).length - 1));
        }
        return door.handle(request, reply, user);
      },
    );
    // The protocol's answer of a server that opens no stream of its own, and has no sessions to end.
    for (const verb of ['get', 'delete'] as const) {
      scope[verb](
        '/mcp',
        declare.person('Not offered: 405.', { response: { 405: jsonRpcError } }),
        (_request, reply) => {
          const why = 'Only POST is offered: there are no sessions';
          void reply.code(405).header('allow', 'POST');
          return toJsonRpcError(new GatehouseError('GH_REQUEST_NOT_FOUND', why));
        },
      );
    }
    done();
  };
  return (server) => void server.register(routes);
}

/** The codes that JSON-RPC defines; -32000 is for all others. */
function toJsonRpcError(error: GatehouseError): z.infer<typeof jsonRpcError> {
  const { code, message } = error;
  const number =
    code === 'GH_REQUEST_NOT_JSON' ? -32_700 : code === 'GH_REQUEST_INVALID' ? -32_600 : -32_000;
  return { jsonrpc: '2.0', id: null, error: { code: number, message, data: { code } } };
}
