/** Checks of the doctor on the servers around a core: NATS, models, embeddings, calendar, mail; each fault once. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { checkBackends } from '#doctor/backend-check';
import type { CheckResult } from '#shared/check-result';
import { checkSearch } from '#doctor/search-check';
import { checkNats } from '#doctor/nats-check';
import { checkTools } from '#doctor/run-checks';
import { configSchema, type Config } from '#app/config/config';
import {
  broker,
  connectClient,
  folderForTest,
  managerOf,
  natsCommand,
} from '#test/events/nats-fixture';
import { openGatehouse } from '#test/events/nats-fixture';
import { openCore, type CoreFixture } from '#test/support/core';
import { dovecotMissing, startDovecot } from '#test/support/dovecot';
import { startFakeEmbeddings } from '#test/support/fake-embeddings';
import { startFakeLlm, type FakeLlm } from '#test/support/fake-llm';
import { calls, fails, says } from '#test/support/fake-llm-replies';
import { freePort } from '#test/support/free-port';
import { until } from '#test/support/journal';
import { radicaleMissing, startRadicale } from '#test/support/radicale';

const configOf = (change: Record<string, unknown>): Config => configSchema.parse(change);
/** Nothing listens there. */
const ofWorkers = {
  database: 'postgres://gatehouse@127.0.0.1:1/gatehouse',
  nats: { mode: 'external', url: 'nats://127.0.0.1:1' },
  cluster: {},
  backends: [{ id: 'm', baseUrl: 'http://127.0.0.1:1/v1', model: 'gemma' }],
};
const faults = (findings: CheckResult[]): CheckResult[] => findings.filter(({ ok }) => !ok);

describe('the NATS check of the doctor', () => {
  const check = async (
    nats: Record<string, unknown>,
    command = 'no-such-program',
  ): Promise<CheckResult[]> => {
    const database = `${folderForTest()}/gatehouse.db`;
    return (await checkNats(configOf({ nats, database }), command)).results;
  };

  test('reports NATS that is off, started by the core, not installed or not reachable', async () => {
    expect(await check({ mode: 'off' })).toMatchObject([
      { ok: true, what: expect.stringContaining('off') },
    ]);
    expect(await check({})).toMatchObject([
      { ok: true, advice: expect.stringContaining('install nats-server') },
    ]);
    expect(await check({ mode: 'child' })).toMatchObject([{ ok: false }]);
    const withBridge = configOf({
      synology: { incomingUrl: 'http://127.0.0.1:1/' },
      database: `${folderForTest()}/gatehouse.db`,
    });
    expect((await checkNats(withBridge, 'no-such-program')).results).toMatchObject([
      { ok: false, advice: expect.stringMatching(/^install nats-server.*or set nats\.url$/) },
    ]);
    const url = `nats://127.0.0.1:${await freePort()}`;
    expect(await check({ url })).toMatchObject([
      { ok: false, what: expect.stringContaining(url), advice: expect.stringContaining('started') },
    ]);
  });

  test.skipIf(natsCommand === null)(
    'reports the version of a NATS server that has no fault',
    async () => {
      const server = await broker();
      const findings = await check({ url: server.url });
      expect(findings).toHaveLength(1);
      expect(findings[0]).toMatchObject({
        ok: true,
        what: expect.stringMatching(/nats-server \d+\.\d+\.\d+, answers in \d+ ms/),
      });
      const own = await check({}, natsCommand!);
      expect(own).toMatchObject([{ ok: true, what: expect.stringContaining('of its own') }]);
    },
  );

  test.skipIf(natsCommand === null)(
    'gives advice for a refused login, missing JetStream and missing permissions',
    async () => {
      const closed = await broker({ config: 'authorization { user: gh, password: right }' });
      const [refused] = await check({ url: closed.url, user: 'gh', password: 'wrong-password' });
      expect(refused).toMatchObject({
        ok: false,
        advice: expect.stringContaining('nats.password'),
      });
      expect(JSON.stringify(refused)).not.toContain('wrong-password');

      const plain = await broker({ jetStream: false });
      expect(faults(await check({ url: plain.url }))).toMatchObject([
        {
          what: expect.stringContaining('JetStream'),
          advice: expect.stringContaining('jetstream {}'),
        },
      ]);

      const strict = await broker({
        config: `authorization { users: [{ user: gh, password: pw, permissions: {
        publish: ["$JS.API.>", "gatehouse.v1.evt.>"], subscribe: ["_INBOX.>", "$SRV.>"] } }] }`,
      });
      expect(faults(await check({ url: strict.url, user: 'gh', password: 'pw' }))).toMatchObject([
        {
          what: expect.stringMatching(
            /publish gatehouse\.v1\.dead.*publish gatehouse\.v1\.rpl.*subscribe gatehouse\.v1\.svc/,
          ),
          advice: expect.stringContaining('docs/events.md'),
        },
      ]);
    },
  );

  test.skipIf(natsCommand === null)('leaves no message in the streams', async () => {
    const server = await broker();
    const rig = await openGatehouse({ url: server.url });
    await until(() => rig.messaging.status().bus === 'connected');
    await until(() => rig.messaging.flush());
    expect(faults(await check({ url: server.url }))).toEqual([]);
    const jsm = await managerOf(await connectClient(server));
    for (const name of ['GH_EVT', 'GH_RPL', 'GH_DEAD']) {
      expect((await jsm.streams.info(name)).state.messages, name).toBe(0);
    }
  });
});

describe('the model server check of the doctor', () => {
  const llmFor = async (): Promise<FakeLlm> => {
    const llm = await startFakeLlm();
    onTestFinished(() => llm.close());
    return llm;
  };
  const configFor = (llm: FakeLlm, more: Record<string, unknown> = {}): Config =>
    configOf({ backends: [{ id: 'm', baseUrl: llm.baseUrl, model: 'gemma' }], ...more });

  test('reports the response times of a server, and gives advice when it does not stream', async () => {
    const llm = await llmFor();
    llm.script(says('1 2 3 4 5 6'), says('12345'));
    const [first] = await checkBackends(configFor(llm), false);
    expect(first).toMatchObject({
      ok: true,
      what: expect.stringMatching(
        /m \(generic, gemma\) answers in \d+ ms, first word after \d+ ms/,
      ),
    });
    expect(llm.requests[0]!.body.model).toBe('gemma');
    const [second] = await checkBackends(configFor(llm), false);
    expect(second).toMatchObject({ ok: true, advice: expect.stringContaining('does not stream') });
  });

  test('gives separate advice for an unknown model, an HTTP 500 and a refused connection', async () => {
    const llm = await llmFor();
    llm.script(fails(404), fails(500));
    const [unknown] = await checkBackends(configFor(llm), false);
    expect(unknown).toMatchObject({ ok: false, advice: expect.stringContaining('check model') });
    const [broken] = await checkBackends(configFor(llm), false);
    expect(broken).toMatchObject({ ok: false, what: expect.stringContaining('http_5xx') });
    await llm.refuse();
    const [away] = await checkBackends(configFor(llm), false);
    expect(away).toMatchObject({ ok: false, advice: expect.stringContaining('nothing listens') });
  });

  test('sends no request to a server of several workers when no worker runs at the configured address', async () => {
    const llm = await llmFor();
    const { backends: _, ...settings } = ofWorkers;
    const config = configFor(llm, settings);
    expect(await checkBackends(config, false)).toMatchObject([
      { ok: true, what: expect.stringContaining('m (generic, gemma) lives; no request was sent') },
    ]);
    expect(llm.requests).toHaveLength(0);
  });

  test('reports a backend of the role react that does not call an offered tool', async () => {
    const llm = await llmFor();
    const config = configFor(llm, { roles: { react: 'm' } });
    llm.script(says('1 2 3'), calls(['get_time', '{}']));
    expect(faults(await checkBackends(config, false))).toEqual([]);
    llm.script(says('1 2 3'), says('It is noon.'));
    expect(faults(await checkBackends(config, false))).toMatchObject([
      { what: expect.stringContaining('did not call'), advice: expect.stringContaining('--jinja') },
    ]);
  });

  test('reports two backends with two gates on one server, and sends that server one request at a time', async () => {
    const [llm, other] = [await llmFor(), await llmFor()];
    const config = configOf({
      backends: [
        { id: 'small', baseUrl: llm.baseUrl, model: 'a' },
        { id: 'other', baseUrl: other.baseUrl, model: 'b' },
        { id: 'large', baseUrl: llm.baseUrl.replace('127.0.0.1', 'localhost'), model: 'c' },
      ],
    });
    const told = (await checkBackends(config, false)).filter(({ what }) => /gate/.test(what));
    expect(told).toMatchObject([
      { ok: true, what: expect.stringMatching(/^small and large are one server/) },
    ]);
    expect(told[0]!.advice).toContain('2 at once');
    expect([llm.requests.length, llm.overlapMax]).toEqual([2, 1]);
  });

  test('sends its requests through the gates of a running core', async () => {
    const fixture = await openCore();
    onTestFinished(() => fixture.close());
    const config: Config = {
      ...fixture.config,
      server: { ...fixture.config.server, port: Number(new URL(fixture.core.url).port) },
    };
    fixture.small.script(says('1 2 3'));
    fixture.large.script(fails(500));
    const findings = await checkBackends(config, true);
    expect(findings).toMatchObject([
      { ok: true, what: expect.stringContaining('first word after') },
      { ok: false, what: expect.stringMatching(/large .*lives, but does not answer/) },
    ]);
    const grants = fixture.core.pool.members.map(({ gate }) => gate.view().counters.grants);
    expect(grants).toEqual([1, 1]);
  });
});

describe('the embedding server check of the doctor', () => {
  const asking = (fixture: CoreFixture, baseUrl: string): Config => ({
    ...fixture.config,
    search: configSchema.parse({ search: { embeddings: { baseUrl, model: 'm' } } }).search,
  });

  test('sends no request to a server that is a backend of the running core, and the finding says so', async () => {
    const fixture = await openCore();
    onTestFinished(() => fixture.close());
    const { large } = fixture;
    const written = large.baseUrl.replace('127.0.0.1', 'localhost');
    const findings = await checkSearch(asking(fixture, written), true);
    expect(findings.at(-1)).toMatchObject({
      ok: true,
      what: expect.stringMatching(/not asked.*backend large/),
    });
    expect(large.requests).toEqual([]);
  });

  test('sends a request when no core runs or when the server is no backend of the core', async () => {
    const fixture = await openCore();
    onTestFinished(() => fixture.close());
    const own = await startFakeEmbeddings();
    onTestFinished(() => own.refuse());
    const other = await checkSearch(asking(fixture, own.baseUrl), true);
    expect(other.at(-1)).toMatchObject({ ok: true, what: expect.stringContaining('64 numbers') });
    const config = { ...asking(fixture, own.baseUrl) };
    config.backends = [{ ...config.backends[0]!, baseUrl: own.baseUrl }];
    await checkSearch(config, false);
    expect(own.requests).toHaveLength(2);
    // Workers at other addresses use it.
    config.cluster = configOf(ofWorkers).cluster;
    const inUse = await checkSearch(config, false);
    expect(inUse.at(-1)).toMatchObject({ ok: true, what: expect.stringContaining('not asked') });
    expect(own.requests).toHaveLength(2);
  });
});

describe('the tools check of the doctor', () => {
  test('finds no fault with tools that need no server', async () => {
    expect(faults(await checkTools(configOf({})))).toEqual([]);
  });

  test.skipIf(radicaleMissing() !== null)(
    'reports a wrong password, calendar name, address or CA file of a CalDAV server',
    async () => {
      const radicale = await startRadicale();
      onTestFinished(() => radicale.stop());
      const { url, username, password } = radicale;
      const check = async (change: Record<string, unknown>): Promise<CheckResult> => {
        const calendar = { provider: 'caldav', url, username, password, ...change };
        const findings = await checkTools(configOf({ tools: { calendar } }));
        return findings.find(({ part }) => part === 'calendar')!;
      };
      expect(await check({})).toMatchObject({
        ok: true,
        what: expect.stringMatching(/1 calendar.*search for the next week works/),
      });
      const refused = await check({ password: 'wrong-password' });
      expect(refused).toMatchObject({ ok: false, advice: expect.stringContaining('password') });
      expect(JSON.stringify(refused)).not.toContain('wrong-password');
      expect(await check({ calendar: 'work' })).toMatchObject({
        ok: false,
        what: expect.stringContaining('no calendar called work'),
      });
      const away = await check({ url: `http://127.0.0.1:${await freePort()}/` });
      expect(away).toMatchObject({ ok: false, advice: expect.stringContaining('address') });
      const noFile = await check({ caFile: '/nowhere/ca.pem' });
      expect(noFile).toMatchObject({ ok: false, what: expect.stringContaining('caFile') });
    },
  );

  test.skipIf(dovecotMissing() !== null)(
    'reports a missing folder, a wrong password and a wrong port of an IMAP mailbox',
    async () => {
      const dovecot = await startDovecot(['INBOX', 'Sent']);
      onTestFinished(() => dovecot.stop());
      const { port, username, password } = dovecot;
      const check = async (change: Record<string, unknown>): Promise<CheckResult> => {
        const email = {
          provider: 'imap',
          host: '127.0.0.1',
          port,
          secure: false,
          username,
          password,
          ...change,
        };
        const findings = await checkTools(configOf({ tools: { email } }));
        return findings.find(({ part }) => part === 'mail')!;
      };
      expect(await check({ folders: [{ path: 'Sent' }] })).toMatchObject({
        ok: true,
        what: expect.stringMatching(/logged in.*messages since yesterday/),
      });
      expect(await check({ folders: [{ path: 'Company' }] })).toMatchObject({
        ok: false,
        what: expect.stringContaining('no folder Company'),
        advice: expect.stringContaining('tools.email.folders'),
      });
      const refused = await check({ password: 'wrong-password' });
      expect(refused).toMatchObject({ ok: false, advice: expect.stringContaining('password') });
      expect(JSON.stringify(refused)).not.toContain('wrong-password');
      expect(await check({ port: await freePort() })).toMatchObject({
        ok: false,
        advice: expect.stringContaining('address'),
      });
    },
  );
});
