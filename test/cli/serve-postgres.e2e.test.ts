/** `gatehouse serve` on PostgreSQL: refusals at the start, a kill in the middle, a second process. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { CoreClient } from '#http/client/core-client';
import { startFakeLlm, type FakeLlm } from '#test/support/fake-llm';
import { direct, follow } from '#test/support/core';
import { scratchFolder, until } from '#test/support/journal';
import { stalls } from '#test/support/fake-llm-replies';
import { postgresMissing, startPostgres, type PostgresServer } from '#test/support/postgres-server';
import { lastLine, startCommand, type StartedProcess } from './cli-process.ts';

let server: PostgresServer;

beforeAll(async () => {
  if (postgresMissing() === null) server = await startPostgres();
});
afterAll(() => server?.remove());

const wrong = 'hunter2';
const withPassword = (url: string): string => url.replace(/:[^:@]*@/, `:${wrong}@`);

function serve(database: string, llm?: FakeLlm): StartedProcess {
  const scratch = scratchFolder();
  onTestFinished(() => scratch.remove());
  const backends =
    llm === undefined ? '' : `backends: [{id: small, baseUrl: "${llm.baseUrl}", model: m}]\n`;
  writeFileSync(
    join(scratch.path, 'gatehouse.yaml'),
    `server: {port: 0}\nnats: {mode: off}\nlogging: {pretty: false}\n${backends}database: "${database}"\n`,
  );
  return startCommand(['serve'], { cwd: scratch.path });
}

/** The address of the core, once it is ready. */
async function urlOf({ ran }: StartedProcess): Promise<string> {
  const ready = () => /"url":"([^"]+)"[^\n]*gatehouse is ready/.exec(`${ran.out}${ran.err}`);
  await until(() => ready() !== null);
  return ready()![1]!;
}

describe.skipIf(postgresMissing() !== null)('gatehouse serve on PostgreSQL', () => {
  test.each<[what: string, url: () => Promise<string>, line: RegExp]>([
    [
      'a wrong password',
      async () => withPassword(server.urlOf('any')),
      /password authentication failed.*check user and password \(GH_STORE_LOGIN\)$/,
    ],
    [
      'a database that does not exist',
      async () => server.urlOf('nowhere'),
      /"nowhere" does not exist; create it with: createdb .* \(GH_STORE_OPEN\)$/,
    ],
    [
      'a server that is not there',
      async () => server.urlOf('any', 1),
      /127\.0\.0\.1:1\/any: the server cannot be reached .* \(GH_STORE_UNREACHABLE\)$/,
    ],
    [
      'a read-only server',
      async () => {
        const name = await server.createDatabase();
        await server.run(`alter database ${name} set default_transaction_read_only = on`);
        return server.urlOf(name);
      },
      /read-only.*name the primary.* \(GH_STORE_READ_ONLY\)$/,
    ],
    [
      'a user without rights',
      async () => {
        await server.run(`create role guest login password '${wrong}'`);
        const url = server.urlOf(await server.createDatabase());
        return withPassword(url).replace('gatehouse:', 'guest:');
      },
      /permission denied.*grant create.* \(GH_STORE_READ_ONLY\)$/,
    ],
    [
      'a schema from the future',
      async () => {
        const name = await server.createDatabase();
        await server.run(
          `create table gatehouse_migration (name text primary key, timestamp text not null);
          insert into gatehouse_migration values ('9000-future', 'now');
          alter table gatehouse_migration owner to ${server.role.user}`,
          name,
        );
        return server.urlOf(name);
      },
      /9000-future.* \(GH_STORE_NEWER\)$/,
    ],
  ])('ends with one line and a code for %s', async (_what, url, line) => {
    const { code, out, err } = await serve(await url()).ended;
    expect(code).toBe(1);
    expect(lastLine(err)).toMatch(line);
    expect(`${out}${err}`).not.toContain(wrong);
    expect(`${out}${err}`).not.toContain(server.role.password);
  });

  test('is refused where a newer version has worked on the database', async () => {
    const llm = await startFakeLlm();
    onTestFinished(() => llm.close());
    const name = await server.createDatabase();
    const first = serve(server.urlOf(name), llm);
    await urlOf(first);
    first.child.kill('SIGTERM');
    expect((await first.ended).code).toBe(0);
    await server.run(`update lease set machine_version = 99 where name = 'part/7'`, name);
    const { code, err } = await serve(server.urlOf(name)).ended;
    expect([code, lastLine(err)]).toEqual([
      1,
      expect.stringMatching(/a newer version of Gatehouse .*run that version \(GH_STORE_NEWER\)$/),
    ]);
  });

  test('goes on after a kill in the middle of an answer, and a third process takes over from it', async () => {
    const llm = await startFakeLlm();
    onTestFinished(() => llm.close());
    const database = server.urlOf(await server.createDatabase());
    const first = serve(database, llm);
    llm.script(stalls());
    const before = new CoreClient(await urlOf(first), null);
    const jobId = await before.submit({ message: 'hello', user_id: 'ann' });
    await until(() => llm.open > 0);
    first.child.kill('SIGKILL');
    await first.ended;
    llm.script(direct('Whole.'));
    const second = serve(database, llm);
    const after = new CoreClient(await urlOf(second), null);
    expect((await follow(after, jobId)).end.data).toMatchObject({ reply: 'Whole.' });
    const third = serve(database, llm);
    await urlOf(third);
    const { code, err } = await second.ended;
    expect(code).toBe(1);
    // Lines of the log may come later.
    expect(err).toMatch(/^gatehouse: .*has taken this database over \(GH_STORE_FENCED\)$/m);
    const last = new CoreClient(await urlOf(third), null);
    expect(await last.job(jobId)).toMatchObject({ reply: 'Whole.' });
  });
});
