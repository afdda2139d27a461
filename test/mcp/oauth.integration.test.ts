/** Logins at MCP servers: with a browser, renewed, lost, given back; and what a call says of them. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { logInAtServer, logOutAtServer } from '#cli/mcp-login';
import { listServers } from '#cli/mcp';
import { checkMcp } from '#doctor/mcp-check';
import { loadConfig } from '#app/config/load-config';
import { createMcp } from '#mcp/mcp';
import { mcpSchema } from '#mcp/mcp-settings';
import { systemClock } from '#shared/clock';
import { silentLog } from '#shared/log';
import { createToolRegistry } from '#tools/registry';
import { openMcp, type McpFixture } from './mcp-fixture.ts';
import { startOAuthServer, type OAuthTestServer } from './oauth-server.ts';

let fixture: McpFixture;
let server: OAuthTestServer;
let configFile: string;
let printed: string[];
let oauth: object;

beforeEach(async () => {
  server = await startOAuthServer();
  printed = [];
  oauth = {};
  vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line));
  vi.spyOn(console, 'error').mockImplementation((line: string) => void printed.push(line));
});
afterEach(async () => {
  await fixture.close();
  await server.close();
  vi.restoreAllMocks();
});

const servers = () => ({
  servers: [{ id: 'home', url: server.url, oauth, reads: ['look'], writes: ['set'] }],
});

async function open(): Promise<void> {
  fixture = await openMcp(servers);
  configFile = join(fixture.folder, 'gatehouse.yaml');
  const database = join(fixture.folder, 'gatehouse.db');
  writeFileSync(configFile, JSON.stringify({ database, mcp: servers() }));
}

const command = () => ({ configFile, id: 'home', json: false });
/** The browser of a person who agrees. */
const agree = (address: URL): void => void fetch(address).then((response) => response.text());
const logIn = () => logInAtServer(command(), agree);
const file = () => join(fixture.folder, 'mcp-logins.json');
const look = async () => (await fixture.call('mcp:home', 'look')).results[0]!;

async function writeOf(folder: McpFixture = fixture) {
  const { draft, results } = await folder.call('mcp:home', 'set');
  return draft === null ? results[0]! : folder.registry.execute(draft, folder.context());
}

describe('a login at an MCP server', () => {
  test('is asked for by a call and the doctor; the core that runs uses it at once', async () => {
    await open();
    const before = await look();
    expect(before.error?.code).toBe('GH_TOOL_LOGIN');
    expect(before.summary).toContain('gatehouse mcp login home');
    const [check] = await checkMcp(loadConfig(configFile).config);
    expect(JSON.stringify(check)).toContain('gatehouse mcp login home');
    expect(fixture.mcp.views()[0]?.login).toBe('needed');
    const client = { request: () => Promise.resolve({ servers: fixture.mcp.views() }) };
    await listServers(client as never, false);
    expect(printed.join('\n')).toContain('needs a login: gatehouse mcp login home');

    await logIn();
    expect(printed.at(-1)).toBe('logged in at home');
    expect((await look()).summary).toContain('look is done');
    expect(fixture.mcp.views()[0]?.login).toBe('logged_in');
  });

  test('is kept in a file of its owner alone, and its tokens are not printed', async () => {
    await open();
    await logIn();
    expect(statSync(file()).mode & 0o777).toBe(0o600);
    const [token] = server.valid;
    expect(readFileSync(file(), 'utf8')).toContain(token);
    expect(printed.join('\n')).not.toMatch(/access-|renewal-|registered-secret/);
  });

  test('takes no answer with another state, and one that is given back by hand', async () => {
    await open();
    const statuses: number[] = [];
    await logInAtServer(command(), (address, take) => {
      void (async () => {
        const wrong = new URL(address);
        wrong.searchParams.set('state', 'other');
        statuses.push((await fetch(wrong)).status);
        const right = await fetch(address, { redirect: 'manual' });
        expect(take('http://127.0.0.1:1/callback?code=x&state=other')).toBe(false);
        expect(take('no address')).toBe(false);
        expect(take(right.headers.get('location')!)).toBe(true);
      })();
    });
    expect(statuses).toEqual([400]);
    expect((await look()).ok).toBe(true);
  });

  test('that the person refuses is an error with the reason', async () => {
    await open();
    const refuse = (address: URL): void => {
      const back = new URL(address.searchParams.get('redirect_uri')!);
      back.searchParams.set('error', 'access_denied');
      back.searchParams.set('state', address.searchParams.get('state')!);
      void fetch(back);
    };
    const refused = logInAtServer(command(), refuse);
    await expect(refused).rejects.toThrow('home: the login was refused: access_denied');
  });

  test('is renewed once when the server takes its token no longer, and the write runs once', async () => {
    await open();
    await logIn();
    server.valid.clear();
    expect(await writeOf()).toMatchObject({ ok: true });
    expect(server.calls).toEqual(['set']);
    expect(server.grants).toEqual(['authorization_code', 'refresh_token']);
  });

  test('is renewed once for many calls of several processes', async () => {
    await open();
    await logIn();
    // As another process has it: nothing but the files is common.
    const other = createMcp({
      settings: mcpSchema.parse(servers()),
      folder: fixture.folder,
      clock: systemClock,
      log: silentLog(),
    });
    const registry = createToolRegistry({ tools: other.tools, log: silentLog() });
    const read = [{ tool: 'mcp:home', operation: 'look', params: {} }];
    const elsewhere = async () => (await registry.run(read, fixture.context())).results[0]!;
    await Promise.all([look(), elsewhere()]);
    server.valid.clear();
    const results = await Promise.all([look(), elsewhere(), look(), writeOf(), elsewhere()]);
    await other.stop();
    expect(results.map(({ ok }) => ok)).toEqual([true, true, true, true, true]);
    expect(server.grants.filter((grant) => grant === 'refresh_token')).toHaveLength(1);
  });

  test('that has ended is named by the call, which was not run', async () => {
    await open();
    await logIn();
    expect((await look()).ok).toBe(true);
    server.valid.clear();
    server.forRenewal.clear();
    const result = await writeOf();
    expect(result.error?.code).toBe('GH_TOOL_LOGIN');
    expect(result.summary).toContain('gatehouse mcp login home');
    expect(server.calls).toEqual(['look']);
    expect(fixture.mcp.views()[0]?.login).toBe('needed');
    await logIn();
    expect(await writeOf()).toMatchObject({ ok: true });
  });

  test('that cannot be renewed at this time leaves a write not run, not uncertain', async () => {
    await open();
    await logIn();
    expect((await look()).ok).toBe(true);
    server.valid.clear();
    server.isBroken = true;
    expect((await writeOf()).error?.code).toBe('GH_TOOL_UNREACHABLE');
    server.isBroken = false;
    await vi.waitFor(async () => expect(await writeOf()).toMatchObject({ ok: true }), 15_000);
    expect(server.calls).toEqual(['look', 'set']);
  });

  test('asks for the scope that a call has lacked, and keeps those it has', async () => {
    await open();
    await logIn();
    server.scopeOfCalls = 'write';
    const result = await writeOf();
    expect(result.error?.code).toBe('GH_TOOL_LOGIN');
    await logIn();
    expect(server.askedScopes).toEqual([null, 'write']);
    expect(await writeOf()).toMatchObject({ ok: true });
  });

  test('is not used for another address', async () => {
    await open();
    await logIn();
    const other = await startOAuthServer();
    const [token] = server.valid;
    other.valid.add(token!);
    const one = { ...servers().servers[0], url: other.url };
    await fixture.reopen({ servers: [one] });
    expect((await look()).error?.code).toBe('GH_TOOL_LOGIN');
    expect(other.bearers.filter((bearer) => bearer !== null)).toEqual([]);
    await other.close();
  });

  test('is given back by logout', async () => {
    await open();
    await logIn();
    const [renewal] = server.forRenewal;
    await logOutAtServer(command());
    expect(printed.at(-1)).toBe('logged out at home');
    expect(server.revoked).toEqual([renewal]);
    expect(readFileSync(file(), 'utf8')).not.toContain('renewal-');
    await logOutAtServer(command());
    expect(printed.at(-1)).toBe('there was no login at home');
  });

  test('that is given back during a renewal stays given back', async () => {
    await open();
    await logIn();
    const { logins } = fixture.mcp;
    const [renewal, hasBegun] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const renewed = logins.exclusively('home', async () => {
      const login = logins.find('home', server.url)!;
      hasBegun.resolve();
      await renewal.promise;
      logins.save('home', login);
    });
    await hasBegun.promise;
    const out = logOutAtServer(command());
    renewal.resolve();
    await Promise.all([renewed, out]);
    expect(logins.find('home', server.url)).toBeNull();
    expect(fixture.mcp.views()[0]?.login).toBe('needed');
  });

  test('with a secret of the configuration does not store it', async () => {
    oauth = { clientId: 'known', clientSecret: 'configured-secret', issuer: server.origin };
    await open();
    await logIn();
    expect(readFileSync(file(), 'utf8')).not.toContain('configured-secret');
    server.valid.clear();
    expect((await look()).ok).toBe(true);
    expect(server.grants).toEqual(['authorization_code', 'refresh_token']);
  });

  test('that lies in a broken file is said to be needed, and the other servers are listed', async () => {
    await open();
    writeFileSync(file(), '{');
    expect(fixture.mcp.views()[0]).toMatchObject({
      login: 'needed',
      problem: expect.stringContaining('it is not JSON') as string,
    });
  });

  test('that lies in a broken file stops the calls with a code, without its text', async () => {
    await open();
    writeFileSync(file(), '{"access-1');
    const refused = fixture.mcp.servers[0]!.refresh();
    await expect(refused).rejects.toThrow(/GH_MCP_LOGINS|it is not JSON/);
    await expect(fixture.mcp.servers[0]!.refresh()).rejects.not.toThrow('access-1');
  });
});

describe('the section oauth', () => {
  test.each<[object, string]>([
    [{ url: undefined, command: ['x'] }, 'needs url'],
    [{ headers: { Authorization: 'x' } }, 'excludes the header authorization'],
    [{ oauth: { clientSecret: 'x' } }, 'is needed with a secret'],
    [{ oauth: { clientId: 'a', clientSecret: 'x' } }, 'is needed with a secret'],
    [{ oauth: { grant: 'client_credentials' } }, 'is needed for client_credentials'],
  ])('with %j is refused: %s', async (change, message) => {
    await open();
    const one = { ...servers().servers[0], ...change };
    expect(mcpSchema.safeParse({ servers: [one] }).error?.message).toContain(message);
  });
});

describe('a server with client credentials', () => {
  test('gets a token without a person, and a new one when that has ended', async () => {
    const secret = join(import.meta.dirname, 'cases', 'tools.txt');
    oauth = {
      grant: 'client_credentials',
      clientId: 'machine',
      clientSecretFile: secret,
      issuer: server.origin,
    };
    await open();
    expect((await look()).ok).toBe(true);
    server.valid.clear();
    expect(await writeOf()).toMatchObject({ ok: true });
    expect(server.grants).toEqual(['client_credentials', 'client_credentials']);
    expect(readFileSync(file(), 'utf8')).not.toContain('client_secret');
    await expect(logIn()).rejects.toThrow('logs in by itself');
  });

  test('sends its secret to no other authorization server', async () => {
    oauth = {
      grant: 'client_credentials',
      clientId: 'machine',
      clientSecret: 'secret',
      issuer: 'https://elsewhere.example',
    };
    await open();
    expect((await look()).error?.code).toBe('GH_TOOL_UNREACHABLE');
    expect(server.grants).toEqual([]);
  });
});
