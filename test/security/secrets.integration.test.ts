/** No secret of the configuration appears in any output, whatever fails. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { parseConfig } from '#app/config/load-config';
import { openCore } from '#test/support/core';
import { fails, saysJson, type FakeReply } from '#test/support/fake-llm-replies';
import { scratchFolder, until } from '#test/support/journal';
import { projectRoot } from '#test/support/project-root';

/** One for each key of the configuration that holds a secret. */
const secrets = {
  operatorKey: 'sentinel-operator-key',
  personKey: 'sentinel-person-key',
  backendKey: 'sentinel-backend-key',
  embeddingsKey: 'sentinel-embeddings-key',
  natsPassword: 'sentinel-nats-password',
  natsToken: 'sentinel-nats-token',
  natsUrlPassword: 'sentinel-nats-url-password',
  mailPassword: 'sentinel-mail-password',
  calendarPassword: 'sentinel-calendar-password',
  chatToken: 'sentinel-chat-token',
  chatUrlToken: 'sentinel-chat-url-token',
  telegramToken: 'sentinel-telegram-token',
};
const sentinel = /sentinel-[a-z-]+/g;
const found = (text: string): string[] => [...new Set(text.match(sentinel))];

/** A port of the loopback without a listener. */
const closed = '127.0.0.1:9';

const settings = (baseUrl: string): Record<string, unknown> => ({
  server: { port: 0, apiKeys: [secrets.operatorKey, { key: secrets.personKey, user: 'ann' }] },
  nats: {
    mode: 'external',
    url: `nats://me:${secrets.natsUrlPassword}@${closed}`,
    password: secrets.natsPassword,
    token: secrets.natsToken,
  },
  backends: [
    { id: 'small', baseUrl, model: 'm', apiKey: secrets.backendKey },
    { id: 'gone', baseUrl: `http://${closed}/v1`, model: 'm', apiKey: secrets.backendKey },
  ],
  roles: { classifier: 'small', reasoner: 'gone' },
  tools: {
    email: {
      provider: 'imap',
      host: '127.0.0.1',
      port: 9,
      username: 'me',
      password: secrets.mailPassword,
    },
    calendar: {
      provider: 'caldav',
      url: `http://${closed}/`,
      username: 'me',
      password: secrets.calendarPassword,
    },
  },
  search: {
    embeddings: { baseUrl: `http://${closed}/v1`, model: 'e', apiKey: secrets.embeddingsKey },
  },
  synology: {
    incomingUrl: `https://${closed}/webapi/entry.cgi?token=${secrets.chatUrlToken}`,
    token: secrets.chatToken,
    allowedUserIds: [4],
  },
  telegram: {
    token: `700:${secrets.telegramToken}`,
    apiRoot: `http://${closed}`,
    allowedUserIds: [4],
  },
});

/** A server that repeats the key in its error, as badly written proxies do. */
const repeatsKey: FakeReply = (exchange) => {
  const said = JSON.stringify(exchange.request.headers);
  return fails(401, { error: { message: `no such key: ${said}` } })(exchange);
};

/** All log lines, at the most detailed level. */
function listening() {
  const lines: string[] = [];
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) });
  return { log, lines };
}

describe('a core whose servers all refuse it', () => {
  test('shows no secret in answers, events, the inspector, the log or the database', async () => {
    const { log, lines } = listening();
    const fixture = await openCore((small) => settings(small.baseUrl), { log });
    onTestFinished(() => fixture.close());
    const { core, small } = fixture;
    const said: string[] = [];
    const call = async (path: string, body?: unknown): Promise<string> => {
      const answer = await fetch(`${core.url}${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${secrets.operatorKey}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const text = await answer.text();
      said.push(text, JSON.stringify([...answer.headers]));
      return text;
    };

    const socket = new WebSocket(`${core.url.replace('http', 'ws')}/inspect/ws`, ['gatehouse.v1'], {
      headers: { authorization: `Bearer ${secrets.operatorKey}` },
    });
    onTestFinished(() => socket.terminate());
    socket.on('message', (data) => void said.push(String(data)));
    await new Promise((resolve) => socket.once('open', resolve));
    for (const type of ['jobs', 'gates', 'guests']) {
      socket.send(JSON.stringify({ type: `gatehouse.${type}`, on: true }));
    }

    small.script(repeatsKey, repeatsKey, saysJson({ action: 'route' }), repeatsKey);
    for (const message of ['안녕', '깊이 생각해줘', '오늘 메일 확인해줘', '내일 일정 알려줘']) {
      const { job_id: id } = JSON.parse(await call('/chat', { message })) as { job_id: string };
      socket.send(JSON.stringify({ type: 'gatehouse.watch', jobId: id }));
      await call(`/chat/${id}/stream`);
      await call(`/jobs/${id}/events`);
    }
    small.script(repeatsKey, repeatsKey, repeatsKey);
    await call('/ask', { query: '무엇?' });
    await call('/ask/react', { query: '무엇?', debug: true });
    const question = [{ role: 'user', content: 'x' }];
    for (const model of ['small', 'gone']) {
      await call('/v1/chat/completions', { model, messages: question });
    }
    await call('/documents', { title: 'x', text: '글' });
    for (const { method, path } of core.routes) {
      if (method === 'GET' && !/stream|events$|:/.test(path)) await call(path);
    }
    await until(() => said.some((text) => text.includes('gatehouse.gates')));
    expect(said.join('\n').length).toBeGreaterThan(10_000);
    // The messages of the servers are shown, except the key in them.
    expect(said.join('\n')).toContain('no such key');
    expect(small.requests[0]?.headers.authorization).toContain(secrets.backendKey);
    await core.stop();
    const files = readdirSync(fixture.folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
    expect(files.join('').length).toBeGreaterThan(50_000);
    expect({
      answers: found(said.join('\n')),
      log: found(lines.join('\n')),
      files: found(files.join('\n')),
    }).toEqual({ answers: [], log: [], files: [] });
  });
});

describe('gatehouse doctor', () => {
  test.each([['--json'], []])('with the flags "%s" prints no secret', (...flags: string[]) => {
    const scratch = scratchFolder();
    onTestFinished(() => scratch.remove());
    const file = join(scratch.path, 'gatehouse.yaml');
    const config = { ...settings(`http://${closed}/v1`), database: join(scratch.path, 'g.db') };
    writeFileSync(file, JSON.stringify(config));
    const command = ['src/cli/gatehouse.ts', 'doctor', '--config', file, ...flags];
    const ran = spawnSync(process.execPath, command, {
      cwd: projectRoot,
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect(ran.stdout).toContain('connect_refused');
    expect(found(ran.stdout + ran.stderr)).toEqual([]);
  });
});

describe('an invalid configuration', () => {
  const broken = (source: string): string => {
    try {
      parseConfig(source, 'gatehouse.yaml', { PW: 'sentinel-env' });
    } catch (error) {
      return String(error);
    }
    return 'it was taken';
  };

  test.each([
    'nats: {password: {x: sentinel-a}}',
    'nats: {token: [sentinel-a]}',
    'server: {apiKeys: [{key: [sentinel-a], user: ann}]}',
    'server: {apiKeys: [{key: a, user: [ann], token: sentinel-a}]}',
    'synology: {incomingUrl: "sentinel-a"}',
    'synology: {token: [sentinel-a]}',
    'telegram: {token: sentinel-a}',
    'telegram: {token: [sentinel-a]}',
    'telegram: {apiRoot: "https://me:sentinel-a@host"}',
    'backends: [{id: a, baseUrl: "ftp://me:sentinel-a@host/v1", model: m}]',
    'backends: [{id: a, baseUrl: "http://me:sentinel-a@host/v1", model: m}]',
    'backends: [{id: a, baseUrl: "http://host/v1", statusUrl: "http://sentinel-a@host", model: m}]',
    'backends: [{id: a, baseUrl: "http://host/v1", model: m, apiKey: [sentinel-a]}]',
    'tools: {calendar: {provider: caldav, url: "http://me:sentinel-a@h/", username: u, password: p}}',
    'tools: {email: {provider: imap, host: h, username: u, password: [sentinel-a]}}',
    'nats: {password: "${PW}x", nonsense: 1}',
    'nats: {password: "sentinel-a\n',
  ])('is refused without its secret: %j', (source) => {
    const message = broken(source);
    expect(message).toContain('gatehouse.yaml: ');
    expect(found(message)).toEqual([]);
  });

  test('is refused for a login in the address of a backend, because addresses are displayed', () => {
    const backend = 'backends: [{id: a, baseUrl: "http://me:pw@host/v1", model: m}]';
    expect(broken(backend)).toContain('backends[0].baseUrl: must carry no login');
    const calendar =
      'tools: {calendar: {provider: caldav, url: "https://h/me@home.example/", username: u, password: p}}';
    expect(broken(calendar)).toBe('it was taken');
  });
});
