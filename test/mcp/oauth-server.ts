/** An MCP server on Streamable HTTP that wants a login, and its authorization server, on one address. */
import { createHash, randomUUID } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { answerWith, bodyOf } from './http-server.ts';

export interface OAuthTestServer {
  readonly origin: string;
  readonly url: string;
  /** Access tokens that the MCP server takes. */
  readonly valid: Set<string>;
  /** Tokens for renewal; each is valid once. */
  readonly forRenewal: Set<string>;
  readonly revoked: string[];
  /** Names of the tools that have run. */
  readonly calls: string[];
  /** Grant types of the requests for a token. */
  readonly grants: string[];
  /** Requests to the MCP server, with their token. */
  readonly bearers: (string | null)[];
  /** The token endpoint answers with an internal error. */
  isBroken: boolean;
  /** The scope that a call of a tool needs. */
  scopeOfCalls: string | null;
  /** Scopes of the requests for a login. */
  readonly askedScopes: (string | null)[];
  close(): Promise<void>;
}

const client = { client_id: 'registered', client_secret: 'registered-secret' };

export async function startOAuthServer(): Promise<OAuthTestServer> {
  const codes = new Map<string, { challenge: string; scope: string | null }>();
  const scopes = new Map<string, string>();
  const calls: string[] = [];
  const handler = createMcpHandler(() => {
    const server = new McpServer({ name: 'guarded', version: '1' });
    for (const name of ['look', 'set']) {
      server.registerTool(name, { description: name }, () => {
        calls.push(name);
        return { content: [{ type: 'text', text: `${name} is done` }] };
      });
    }
    return server;
  });
  const json = (response: ServerResponse, status: number, value: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  };
  const giveTokens = (response: ServerResponse, scope: string | null): void => {
    const [access, renewal] = [`access-${randomUUID()}`, `renewal-${randomUUID()}`];
    fixture.valid.add(access);
    fixture.forRenewal.add(renewal);
    if (scope !== null) scopes.set(access, scope);
    json(response, 200, {
      access_token: access,
      token_type: 'Bearer',
      expires_in: 3_600,
      ...(scope === null ? {} : { scope }),
      refresh_token: renewal,
    });
  };
  const token = (form: URLSearchParams, response: ServerResponse): void => {
    const grant = form.get('grant_type') ?? '';
    fixture.grants.push(grant);
    if (fixture.isBroken) return json(response, 500, { error: 'server_error' });
    if (grant === 'refresh_token') {
      const isKnown = fixture.forRenewal.delete(form.get('refresh_token') ?? '');
      return isKnown ? giveTokens(response, null) : json(response, 400, { error: 'invalid_grant' });
    }
    if (grant === 'client_credentials') return giveTokens(response, null);
    const code = codes.get(form.get('code') ?? '');
    const hash = createHash('sha256').update(form.get('code_verifier') ?? '');
    if (code?.challenge !== hash.digest('base64url')) {
      return json(response, 400, { error: 'invalid_grant' });
    }
    giveTokens(response, code.scope);
  };
  const mcp = async (request: IncomingMessage, response: ServerResponse, body: string) => {
    const bearer = /^Bearer (.*)$/.exec(request.headers.authorization ?? '')?.[1] ?? null;
    fixture.bearers.push(bearer);
    const metadata = `resource_metadata="${fixture.origin}/.well-known/oauth-protected-resource/mcp"`;
    if (bearer === null || !fixture.valid.has(bearer)) {
      response.writeHead(401, { 'www-authenticate': `Bearer ${metadata}` }).end();
      return;
    }
    const { scopeOfCalls: scope } = fixture;
    const granted = (scopes.get(bearer) ?? '').split(' ');
    if (scope !== null && body.includes('"tools/call"') && !granted.includes(scope)) {
      const challenge = `Bearer error="insufficient_scope", scope="${scope}", ${metadata}`;
      response.writeHead(403, { 'www-authenticate': challenge }).end();
      return;
    }
    await answerWith(handler, request, body, response);
  };
  const http = createServer((request, response) => {
    void (async () => {
      const body = await bodyOf(request);
      const { pathname, searchParams } = new URL(request.url ?? '/', fixture.origin);
      const { origin } = fixture;
      switch (pathname) {
        case '/mcp':
          return mcp(request, response, body);
        case '/.well-known/oauth-protected-resource/mcp':
          return json(response, 200, { resource: fixture.url, authorization_servers: [origin] });
        case '/.well-known/oauth-authorization-server':
          return json(response, 200, {
            issuer: origin,
            authorization_endpoint: `${origin}/authorize`,
            token_endpoint: `${origin}/token`,
            registration_endpoint: `${origin}/register`,
            revocation_endpoint: `${origin}/revoke`,
            response_types_supported: ['code'],
            code_challenge_methods_supported: ['S256'],
          });
        case '/register':
          return json(response, 201, { ...(JSON.parse(body) as object), ...client });
        case '/authorize': {
          const [code, scope] = [randomUUID(), searchParams.get('scope')];
          codes.set(code, { challenge: searchParams.get('code_challenge') ?? '', scope });
          fixture.askedScopes.push(scope);
          const back = new URL(searchParams.get('redirect_uri') ?? '');
          back.searchParams.set('code', code);
          back.searchParams.set('state', searchParams.get('state') ?? '');
          return response.writeHead(302, { location: back.href }).end();
        }
        case '/token':
          return token(new URLSearchParams(body), response);
        case '/revoke':
          fixture.revoked.push(new URLSearchParams(body).get('token') ?? '');
          return response.writeHead(200).end();
        default:
          return response.writeHead(404).end();
      }
    })();
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  const fixture: OAuthTestServer = {
    origin,
    url: `${origin}/mcp`,
    valid: new Set(),
    forRenewal: new Set(),
    revoked: [],
    calls,
    grants: [],
    bearers: [],
    isBroken: false,
    scopeOfCalls: null,
    askedScopes: [],
    async close() {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
      await handler.close();
    },
  };
  return fixture;
}
