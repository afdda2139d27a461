/**
 * Every subject of src/shared/wire/subjects.ts, tried by the users of deploy/nats on a real server: a bridge and a
 * reader may publish and subscribe to their own subjects only. A new subject without a line here fails.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PermissionViolationError, type NatsConnection } from 'nats';
import { describe, expect, test } from 'vitest';
import { createAgentSubjects } from '#events/agent/agent-subjects';
import { createSubjects, scheduleVerbs, serviceVerbs, type Subjects } from '#shared/wire/subjects';
import { broker, connectClient, folderForTest, natsCommand } from '#test/events/nats-fixture';
import { projectRoot } from '#test/support/project-root';

const subjects = createSubjects();
const permissions = readFileSync(
  join(projectRoot, 'deploy', 'nats', 'authorization.conf'),
  'utf8',
).replaceAll(/\$[A-Z]+_PASSWORD/g, 'pw');

const bridgeVerbs = ['submit', 'get', 'confirm', 'reject'];
const address = (channel: string) => ({ channel, userId: 'ann', jobId: 'j1' });
const channels = ['synology', 'telegram', 'http', 'nats', 'x'];
const none = (): [] => [];

/** Concrete subjects of each kind, each with its channel; null: it belongs to no channel. */
const concrete: Record<keyof Subjects, () => [subject: string, channel: string | null][]> = {
  event: () => [[subjects.event({ ...address(''), type: 'done' }), null]],
  tokens: () => [[subjects.tokens(address('')), null]],
  submit: () => channels.map((channel) => [subjects.submit(channel), channel]),
  service: () => serviceVerbs.map((verb) => [subjects.service(verb), null]),
  scheduleService: () => scheduleVerbs.map((verb) => [subjects.scheduleService(verb), null]),
  channelService: () =>
    serviceVerbs.flatMap((verb) =>
      channels.map((channel): [string, string | null] => [
        subjects.channelService(verb, channel),
        // The bridge may not use the other verbs.
        bridgeVerbs.includes(verb) ? channel : null,
      ]),
    ),
  door: () => [[subjects.door('part/12'), null]],
  worker: () => [[subjects.worker('w1'), null]],
  hint: () =>
    (['leases', 'written', 'placed', 'document'] as const).map((kind) => [
      subjects.hint(kind),
      null,
    ]),
  gate: () => {
    const { worker, ...all } = subjects.gate('large');
    return [...Object.values(all), worker('w1')].map((subject) => [subject, null]);
  },
  reply: () => channels.map((channel) => [subjects.reply(address(channel)), null]),
  delivery: () => channels.map((channel) => [subjects.delivery(address(channel)), channel]),
  deadLetter: () =>
    (['submit', 'delivery'] as const).map((kind) => [subjects.deadLetter(kind, 'x'), null]),
  repliesWildcard: () => channels.map((channel) => [subjects.repliesWildcard(channel), null]),
  wildcards: () => Object.values(subjects.wildcards).map((wildcard) => [wildcard, null]),
  // These build no subject.
  prefix: none,
  parseServiceChannel: none,
  isUnderPrefix: none,
  parseSubmitSource: none,
  parseDeliverySubject: none,
};

/** The subjects that the user is refused. */
async function refusedOf(
  nc: NatsConnection,
  work: 'publish' | 'subscribe',
  tried: readonly string[],
): Promise<Set<string>> {
  const refused = new Set<string>();
  const watching = (async () => {
    for await (const status of nc.status()) {
      if (status.type !== 'error') continue;
      const subject =
        status.error instanceof PermissionViolationError ? status.error.subject : null;
      refused.add(subject ?? status.error.message);
    }
  })();
  for (const subject of tried) {
    if (work === 'publish') nc.publish(subject, '{}');
    else nc.subscribe(subject, { callback: () => undefined });
  }
  await nc.flush();
  await nc.flush();
  void watching.catch(() => undefined);
  return refused;
}

const publishable = (subject: string): boolean => !/[*>]/.test(subject);

describe.skipIf(natsCommand === null)('every subject of Gatehouse', () => {
  const all = Object.values(concrete).flatMap((made) => made());

  test('has a line in the table of this file', () => {
    expect(Object.keys(concrete).sort()).toEqual(Object.keys(subjects).sort());
  });

  test('can be published only by the bridge of its channel, and never by a reader', async () => {
    const server = await broker({ config: permissions });
    const tried = [...new Set(all.map(([subject]) => subject))].filter(publishable);
    for (const [user, inbox, own] of [
      ['bridge', '_INBOX_synology', 'synology'],
      ['telegram', '_INBOX_telegram', 'telegram'],
      ['reader', '_INBOX_reader', 'none'],
    ] as const) {
      const nc = await connectClient(server, { user, pass: 'pw', inboxPrefix: inbox });
      const allowed = all.filter(([, channel]) => channel === own).map(([subject]) => subject);
      const expected = tried.filter((subject) => !allowed.includes(subject)).sort();
      expect([...(await refusedOf(nc, 'publish', tried))].sort(), user).toEqual(expected);
    }
  });

  test('can be subscribed to by no bridge, and by a reader only if it is a live subject', async () => {
    const server = await broker({ config: permissions });
    const tried = [...new Set(all.map(([subject]) => subject)), '>', '_INBOX_core.>', '$JS.>'];
    const live = [subjects.wildcards.live, subjects.wildcards.tokens, subjects.tokens(address(''))];
    for (const [user, inbox, own] of [
      ['bridge', '_INBOX_synology', []],
      ['telegram', '_INBOX_telegram', []],
      ['reader', '_INBOX_reader', live],
    ] as const) {
      const nc = await connectClient(server, { user, pass: 'pw', inboxPrefix: inbox });
      const expected = tried.filter((one) => !(own as readonly string[]).includes(one)).sort();
      expect([...(await refusedOf(nc, 'subscribe', tried))].sort(), user).toEqual(expected);
    }
  });
});

describe.skipIf(natsCommand === null)(
  'a caller of the agent (deploy/nats/agent-caller.conf)',
  () => {
    const caller = readFileSync(join(projectRoot, 'deploy', 'nats', 'agent-caller.conf'), 'utf8');

    test('may find, prompt and answer this agent, and nothing else', async () => {
      const file = join(folderForTest(), 'agent-caller.conf');
      writeFileSync(file, caller);
      // The path of an include is below the folder of the configuration.
      const include = `include "${'../'.repeat(16)}${file}"`;
      const user = `{ user: caller, password: pw, permissions: { ${include} } }`;
      const config = permissions.replace('{ user: core,', `${user}\n      { user: core,`);
      const server = await broker({ config });
      const nc = await connectClient(server, {
        user: 'caller',
        pass: 'pw',
        inboxPrefix: '_INBOX_caller',
      });
      const own = createAgentSubjects({
        name: 'gatehouse',
        owner: 'home',
        session: 'main',
        user: 'ann',
      });
      const other = createAgentSubjects({
        name: 'gatehouse',
        owner: 'bob',
        session: 'main',
        user: 'bob',
      });
      const refused = [
        ...Object.values(concrete).flatMap((made) => made().map(([subject]) => subject)),
        other.prompt,
        other.status,
        other.answer('x'),
        other.heartbeat,
        own.heartbeat,
        '$JS.API.STREAM.INFO.GH_EVT',
        '$SRV.PING.gatehouse',
        '_INBOX_core.x',
      ].filter(publishable);
      const allowed = [
        own.prompt,
        own.status,
        own.answer('x'),
        '$SRV.PING.agents',
        '$SRV.INFO.agents.x',
      ];
      expect([...(await refusedOf(nc, 'publish', [...allowed, ...refused]))].sort()).toEqual(
        [...new Set(refused)].sort(),
      );
      const unread = [
        own.prompt,
        own.answer('*'),
        'agents.>',
        '_INBOX.>',
        subjects.wildcards.events,
      ];
      expect(
        [
          ...(await refusedOf(nc, 'subscribe', [own.heartbeat, '_INBOX_caller.x', ...unread])),
        ].sort(),
      ).toEqual(unread.sort());
    });
  },
);
