/**
 * A second port for programs that know only the address of Ollama. It serves the same routes with the same access rules,
 * and answers `GET /` as Ollama does: some programs look for it before they ask anything.
 */
import { createServer, type Server } from 'node:http';
import { GatehouseError, messageOf } from '#shared/errors';
import {
  handleClientError,
  limitConnections,
  nodeServerOptions,
  type ServerTimeouts,
} from '../server/connection-limits.ts';
import type { RouteServer } from '../server/route-schemas.ts';

/** Closed with the server. @throws GH_SERVER_PORT when it cannot listen */
export async function listenForOllama(
  server: RouteServer,
  { host, port, ...limits }: { host: string; port: number; timeouts: ServerTimeouts; max: number },
): Promise<Server> {
  const second = createServer(nodeServerOptions(limits.timeouts), (request, response) => {
    const isRoot = request.url === '/' && ['GET', 'HEAD'].includes(request.method ?? '');
    if (!isRoot) return server.routing(request, response);
    response.setHeader('content-type', 'text/plain; charset=utf-8');
    response.end(request.method === 'HEAD' ? undefined : 'Ollama is running');
  });
  second.on('clientError', handleClientError);
  limitConnections(second, limits.max);
  await new Promise<void>((resolve, reject) => {
    second.once('error', (error: NodeJS.ErrnoException) => {
      const why = error.code === 'EADDRINUSE' ? 'is in use' : messageOf(error);
      const message = `server.ollamaPort: ${host}:${port} ${why}`;
      reject(new GatehouseError('GH_SERVER_PORT', message, { cause: error }));
    });
    second.listen(port, host, resolve);
  });
  return second;
}

/**
 * Ends both ports. The routes learn of the end first: a client that is disconnected then does not cancel its job.
 *
 * @param closeFirst closes the server itself
 */
export async function closeBoth(second: Server, closeFirst: () => Promise<void>): Promise<void> {
  const closed = new Promise<void>((resolve) => second.close(() => resolve()));
  await closeFirst();
  second.closeAllConnections();
  await closed;
}
