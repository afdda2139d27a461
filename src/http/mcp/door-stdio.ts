/** The MCP door on standard input and output, for a client that starts its servers as processes. */
import { once } from 'node:events';
import { SdkError, SdkErrorCode } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { createIdSource } from '#shared/ids';
import { createDoorServer } from './door-server.ts';
import type { DoorService } from './door-service.ts';

/** Resolves when the client has closed standard input. Open requests end then; their jobs go on. */
export async function serveDoorOnStdio(options: {
  service: DoorService;
  version: string;
  onError(error: Error): void;
}): Promise<void> {
  const nextId = createIdSource();
  const closed = once(process.stdin, 'close');
  const requestOf: Parameters<typeof createDoorServer>[0]['requestOf'] = ({ mcpReq }) => {
    const { signal } = mcpReq;
    const isLost = (): boolean =>
      signal.reason instanceof SdkError && signal.reason.code === SdkErrorCode.ConnectionClosed;
    const isCancelled = (): boolean => signal.aborted && !isLost();
    return { signal, isCancelled, requestKey: null, canStream: true };
  };
  const server = serveStdio(() => createDoorServer({ ...options, nextId, requestOf }), {
    onerror: options.onError,
  });
  await closed;
  await server.close();
}
