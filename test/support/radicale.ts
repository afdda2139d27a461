/** A private Radicale (CalDAV) on a free loopback port, with a user and a calendar. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startChild } from './child-server.ts';
import { findProgram, prepareProgram } from './debian-package.ts';
import { freePort } from './free-port.ts';

/** Installs Radicale if that is allowed. Returns why it is missing, or null. */
export const prepareRadicale = (): string | null => prepareProgram('radicale', ['radicale']);

/** Why tests with Radicale must be skipped, or null. */
export const radicaleMissing = (): string | null =>
  findProgram('radicale') === null ? 'radicale is not installed (Debian package radicale)' : null;

/** A calendar on Radicale. */
export interface RadicaleCalendar {
  /** Ends with a slash. */
  url: string;
  put(name: string, ics: string): Promise<void>;
}

export interface Radicale {
  /** Ends with a slash. */
  url: string;
  /** The calendar that exists from the start; ends with a slash. */
  calendar: string;
  username: string;
  password: string;
  /** Puts a calendar object into the calendar; `name` without `.ics`. */
  put(name: string, ics: string): Promise<void>;
  /** Makes another calendar of this user, by the end of its address. */
  makeCalendar(name: string, body?: string): Promise<RadicaleCalendar>;
  /** The texts of all objects in the calendar. */
  objects(): Promise<string[]>;
  stop(): Promise<void>;
}

/** Starts a Radicale. @throws Error if it is not installed or does not start */
export async function startRadicale(): Promise<Radicale> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-radicale-'));
  const port = await freePort();
  const [username, password] = ['minji', 'p:a ss-ㅎ'];
  writeFileSync(join(folder, 'users'), `${username}:${password}\n`);
  writeFileSync(
    join(folder, 'config'),
    `[server]
hosts = 127.0.0.1:${port}
[auth]
type = htpasswd
htpasswd_filename = ${join(folder, 'users')}
htpasswd_encryption = plain
delay = 0
[storage]
filesystem_folder = ${join(folder, 'data')}
[web]
type = none
`,
  );
  const url = `http://127.0.0.1:${port}/`;
  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const ask = (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    headers.set('authorization', authorization);
    return fetch(new URL(path, url), { ...init, headers });
  };
  const isUp = (): Promise<boolean> =>
    ask('/.well-known/caldav', { redirect: 'manual' }).then(
      () => true,
      () => false,
    );
  const put = (at: string, name: string, ics: string): Promise<void> => {
    const headers = { 'content-type': 'text/calendar; charset=utf-8' };
    return expectOk(ask(`${at}${name}.ics`, { method: 'PUT', body: ics, headers }));
  };
  const program = findProgram('radicale') ?? 'radicale';
  const child = await startChild(program, ['--config', join(folder, 'config')], isUp);
  const path = `/${username}/family/`;
  await expectOk(ask(path, { method: 'MKCALENDAR' }));
  return {
    url,
    calendar: new URL(path, url).href,
    username,
    password,
    put: (name, ics) => put(path, name, ics),
    async makeCalendar(name, body) {
      const at = `/${username}/${name}/`;
      await expectOk(ask(at, { method: 'MKCALENDAR', ...(body === undefined ? {} : { body }) }));
      return { url: new URL(at, url).href, put: (object, ics) => put(at, object, ics) };
    },
    async objects() {
      const answer = await ask(path);
      const text = await answer.text();
      return text.split('BEGIN:VEVENT').slice(1);
    },
    async stop() {
      await child.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function expectOk(asked: Promise<Response>): Promise<void> {
  const answer = await asked;
  if (!answer.ok) throw new Error(`${answer.status} ${await answer.text()}`);
}
