/** The files for systemd, launchd and the NATS server: valid for their program, and consistent with the commands. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { commands } from '#cli/commands';
import { overviewOf } from '#cli/help';
import type { Reply } from '#shared/wire/reply';
import { silentLog } from '#shared/log';
import { ChannelLink } from '#events/channel-link/channel-link';
import { natsConfig } from '#test/events/messaging-fixture';
import { broker, connectClient, folderForTest, natsCommand } from '#test/events/nats-fixture';
import { direct, openCore } from '#test/support/core';
import { until } from '#test/support/journal';
import { projectRoot } from '#test/support/project-root';

const read = (...path: string[]): string => readFileSync(join(projectRoot, ...path), 'utf8');

const units = readdirSync(join(projectRoot, 'deploy', 'systemd'));
/** Units that run the backup script instead of the command: deploy-scripts.e2e.test.ts runs it. */
const isBackup = (name: string): boolean => name.includes('backup');
const canVerify =
  spawnSync('systemd-analyze', ['--version'], { stdio: 'ignore', timeout: 20_000 }).status === 0;

describe('the systemd units', () => {
  test.each(units.filter((name) => !isBackup(name)))(
    'run an existing command as a dynamic user with a read-only system: %s',
    (name) => {
      const unit = read('deploy', 'systemd', name);
      const [, command = ''] = /^ExecStart=\/usr\/local\/bin\/gatehouse (.+)$/m.exec(unit) ?? [];
      expect(overviewOf(commands)).toContain(`  ${command}`);
      expect(unit).toMatch(/^DynamicUser=yes$/m);
      expect(unit).toMatch(/^ProtectSystem=strict$/m);
      expect(unit).toMatch(/^StateDirectory=gatehouse/m);
    },
  );

  test.skipIf(!canVerify)('are accepted by systemd-analyze (skipped without it)', () => {
    const folder = folderForTest();
    const paths = units.map((name) => join(folder, name));
    for (const [index, name] of units.entries()) {
      const unit = read('deploy', 'systemd', name);
      writeFileSync(paths[index]!, unit.replaceAll('/usr/local/bin/gatehouse', process.execPath));
    }
    const { stderr, status } = spawnSync('systemd-analyze', ['verify', ...paths], {
      encoding: 'utf8',
      timeout: 60_000,
    });
    expect(stderr.split('\n').filter((line) => line.includes(folder))).toEqual([]);
    expect(status).toBe(0);
  });
});

describe('the launchd property lists', () => {
  test.each(readdirSync(join(projectRoot, 'deploy', 'launchd')).filter((name) => !isBackup(name)))(
    'are well formed and run an existing command: %s',
    (name) => {
      const list = read('deploy', 'launchd', name).replaceAll(/<!--[\s\S]*?-->/g, '');
      const open: string[] = [];
      for (const [tag, closing, tagName, single] of list.matchAll(/<(\/?)([a-z]+)[^<>]*?(\/?)>/g)) {
        if (single === '/') continue;
        if (closing === '/') expect(open.pop(), tag).toBe(tagName);
        else open.push(tagName!);
      }
      expect(open).toEqual([]);
      const [, words = ''] =
        /ProgramArguments<\/key>\s*<array>([\s\S]*?)<\/array>/.exec(list) ?? [];
      const [program, ...args] = [...words.matchAll(/<string>(.*?)<\/string>/g)].map(
        ([, word]) => word,
      );
      expect(program).toMatch(/\/gatehouse$/);
      expect(overviewOf(commands)).toContain(`  ${args.join(' ')}`);
      expect(name).toBe(`${/<key>Label<\/key>\s*<string>(.*?)</.exec(list)?.[1]}.plist`);
    },
  );
});

const authorization = read('deploy', 'nats', 'authorization.conf');

describe('the permissions in deploy/nats', () => {
  test('are those of docs/events.md', () => {
    const page = read('docs', 'events.md');
    const lines = authorization.split('\n').filter((line) => !line.startsWith('#'));
    expect(page).toContain(`\`\`\`\n${lines.join('\n')}\`\`\``);
  });

  test('are included by the server configuration, whose monitoring is on loopback only', () => {
    const config = read('deploy', 'nats', 'nats-server.conf');
    expect(config).toMatch(/^include \.\/authorization\.conf$/m);
    expect(config).toMatch(/^http: 127\.0\.0\.1:/m);
    expect(config).toMatch(/sync_interval: always/);
  });

  test.skipIf(natsCommand === null).for([
    ['bridge', 'synology'],
    ['telegram', 'telegram'],
  ])(
    'let core and %s work together with their passwords, and refuse other clients',
    async ([user, channel]) => {
      for (const name of ['CORE', 'BRIDGE', 'TELEGRAM', 'READER'])
        vi.stubEnv(`${name}_PASSWORD`, `p-${name}`);
      onTestFinished(() => void vi.unstubAllEnvs());
      const server = await broker({ config: authorization });
      const fixture = await openCore({
        nats: { mode: 'external', url: server.url, user: 'core', password: 'p-CORE' },
      });
      onTestFinished(() => fixture.close());
      fixture.small.script(direct('네'));
      const posted: Reply[] = [];
      const link = new ChannelLink({
        config: natsConfig({ url: server.url, user: user!, password: `p-${user!.toUpperCase()}` }),
        channel: channel!,
        dataFolder: folderForTest(),
        onReply(reply) {
          posted.push(reply);
          return Promise.resolve('done');
        },
        log: silentLog(),
        timings: { retryMs: 10, retryMsMax: 100 },
      });
      link.start();
      onTestFinished(() => link.stop());
      await until(async () => (await link.submit({ message: '안녕', user_id: 'kim' }, '1')).ok);
      await until(() => posted.some(({ kind, text }) => kind === 'final' && text === '네'));

      await expect(connectClient(server)).rejects.toThrow(/authorization/i);
      await expect(connectClient(server, { user: 'core', pass: 'p-BRIDGE' })).rejects.toThrow(
        /authorization/i,
      );
      const reader = { user: 'reader', pass: 'p-READER', inboxPrefix: '_INBOX_reader' };
      const nc = await connectClient(server, reader);
      await expect(
        nc.request('gatehouse.v1.svc.job.submit', '{"message":"x"}', { timeout: 2_000 }),
      ).rejects.toThrow(/permission/i);
    },
  );
});
