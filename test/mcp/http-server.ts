/** An MCP server of the newest protocol on Streamable HTTP, built with the official SDK. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';

export interface HttpMcpServer {
  readonly url: string;
  /** The values of the header `authorization`, one per request. */
  readonly authorizations: (string | undefined)[];
  /** While set, each call of a tool is cut after it was received. */
  cutsCalls: boolean;
  /** Names of the tools that were called. */
  readonly calls: string[];
  close(): Promise<void>;
}

export async function startHttpMcpServer(
  register: (server: McpServer) => void,
): Promise<HttpMcpServer> {
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: 'http', version: '1' });
    register(server);
    return server;
  });
  const calls: string[] = [];
  const authorizations: (string | undefined)[] = [];
  const http = createServer((request, response) => {
    void (async () => {
      const body = await bodyOf(request);
      authorizations.push(request.headers.authorization);
      const { method, params } = (body === '' ? {} : JSON.parse(body)) as {
        method?: string;
        params?: { name: string };
      };
      if (method === 'tools/call') calls.push(params?.name ?? '');
      if (method === 'tools/call' && fixture.cutsCalls) return response.destroy();
      await answerWith(handler, request, body, response);
    })();
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const fixture: HttpMcpServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`,
    authorizations,
    cutsCalls: false,
    calls,
    async close() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
      await handler.close();
    },
  };
  return fixture;
}

/** Lets a handler of the SDK answer a request of Node. */
export async function answerWith(
  handler: Pick<ReturnType<typeof createMcpHandler>, 'fetch'>,
  request: IncomingMessage,
  body: string,
  response: ServerResponse,
): Promise<void> {
  const answer = await handler.fetch(
    new Request(`http://127.0.0.1${request.url}`, {
      method: request.method ?? 'GET',
      headers: request.headers as Record<string, string>,
      ...(body === '' ? {} : { body }),
    }),
  );
  response.writeHead(answer.status, Object.fromEntries(answer.headers));
  for await (const chunk of answer.body ?? []) response.write(chunk);
  response.end();
}

export async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += chunk as string;
  return body;
}
