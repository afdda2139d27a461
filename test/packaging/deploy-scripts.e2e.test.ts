/**
 * The scripts in deploy/: rotating backups, service files with the paths of the machine, settings of the containers.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parseConfig } from '#app/config/load-config';
import { openDatabase } from '#storage/database';
import { folderForTest } from '#test/events/nats-fixture';
import { projectRoot } from '#test/support/project-root';

const deploy = join(projectRoot, 'deploy');

function sh(args: string[], env: Record<string, string>, cwd: string) {
  const path = [dirname(process.execPath), process.env['PATH']].join(delimiter);
  return spawnSync('sh', args, {
    cwd,
    encoding: 'utf8',
    env: { PATH: path, ...env },
    timeout: 60_000,
  });
}

test('deploy/backup.sh deletes only its own oldest backups, and none if a backup fails', async () => {
  const folder = folderForTest();
  const backups = join(folder, 'backups');
  writeFileSync(join(folder, 'gatehouse.yaml'), 'database: ./gatehouse.db\n');
  const database = await openDatabase({ path: join(folder, 'gatehouse.db') });
  onTestFinished(() => database.close());
  mkdirSync(backups);
  const old = ['20240101T000000Z', '20240102T000000Z', '20240103T000000Z'];
  for (const time of old) writeFileSync(join(backups, `gatehouse-${time}.backup`), '');
  writeFileSync(join(backups, 'gatehouse-my-own.backup'), '');
  const env = { GATEHOUSE: `${process.execPath} ${join(projectRoot, 'bin', 'gatehouse.mjs')}` };
  const run = () => sh([join(deploy, 'backup.sh'), backups, '3'], env, folder);
  const first = run();
  expect(first.stderr).toBe('');
  expect(first.status).toBe(0);
  const left = readdirSync(backups).sort();
  expect(left).toHaveLength(4);
  expect(left.slice(0, 2)).toEqual(old.slice(1).map((time) => `gatehouse-${time}.backup`));
  expect(statSync(join(backups, left[2]!)).size).toBeGreaterThan(0);
  expect(left[3]).toBe('gatehouse-my-own.backup');
  writeFileSync(join(folder, 'gatehouse.yaml'), 'database: [\n');
  expect(run().status).not.toBe(0);
  expect(readdirSync(backups).sort()).toEqual(left);
});

test.each(['systemd', 'launchd'])(
  'deploy/install-service.sh writes the files of %s with the paths of this machine',
  (kind) => {
    const folder = folderForTest();
    const program = join(folder, 'bin', 'gatehouse');
    mkdirSync(dirname(program));
    writeFileSync(program, '#!/bin/sh\n');
    chmodSync(program, 0o755);
    const out = join(folder, 'out');
    const script = join(deploy, 'install-service.sh');
    const path = [dirname(program), dirname(process.execPath), process.env['PATH']].join(delimiter);
    const ran = sh([script, kind, out], { PATH: path, HOME: '/home/ann' }, folder);
    expect(ran.stderr).toBe('');
    expect(ran.status).toBe(0);
    expect(readdirSync(out)).toEqual(readdirSync(join(deploy, kind)));
    for (const name of readdirSync(out)) {
      const text = readFileSync(join(out, name), 'utf8');
      expect(text, name).not.toMatch(
        /\/usr\/local\/bin\/gatehouse|\/Users\/YOU|node_modules\/gatehouse/,
      );
      if (!name.endsWith('.timer')) expect(text, name).toContain(program);
      if (name.includes('backup') && !name.endsWith('.timer')) {
        expect(text).toContain(join(deploy, 'backup.sh'));
      }
    }
  },
);

test('deploy/docker/prepare.sh makes settings with different passwords, and does not overwrite existing files', () => {
  const folder = folderForTest();
  cpSync(join(deploy, 'docker'), join(folder, 'deploy', 'docker'), { recursive: true });
  const run = () => sh([join(folder, 'deploy', 'docker', 'prepare.sh')], {}, '/');
  expect(run()).toMatchObject({ status: 0, stderr: '' });
  const env = readFileSync(join(folder, '.env'), 'utf8');
  expect(statSync(join(folder, '.env')).mode & 0o077).toBe(0);
  const secrets = [...env.matchAll(/^\w+(?:_PASSWORD|_API_KEY)=(p[0-9a-f]{48})$/gm)].map(
    ([, value]) => value,
  );
  expect(new Set(secrets).size).toBe(7);
  const core = join(folder, 'deploy', 'docker', 'core.yaml');
  expect(existsSync(core)).toBe(true);
  writeFileSync(core, 'mine');
  expect(run()).toMatchObject({ status: 0, stderr: '', stdout: '' });
  expect(readFileSync(core, 'utf8')).toBe('mine');
  expect(readFileSync(join(folder, '.env'), 'utf8')).toBe(env);
});

test('deploy/docker/prepare.sh adds the passwords that the .env of an earlier version lacks, and changes no line of it', () => {
  const folder = folderForTest();
  cpSync(join(deploy, 'docker'), join(folder, 'deploy', 'docker'), { recursive: true });
  const file = join(folder, '.env');
  const old = 'CORE_PASSWORD=mine\nexport BRIDGE_PASSWORD=\n# READER_PASSWORD=x\nSYNOLOGY_URL=';
  writeFileSync(file, old);
  const run = () => sh([join(folder, 'deploy', 'docker', 'prepare.sh')], {}, '/');
  expect(run()).toMatchObject({ status: 0, stderr: '' });
  const env = readFileSync(file, 'utf8');
  expect(env.startsWith(`${old}\n`)).toBe(true);
  const added = env.slice(old.length + 1).matchAll(/^(\w+)=p[0-9a-f]{48}$/gm);
  expect([...added].map(([, name]) => name)).toEqual([
    'TELEGRAM_PASSWORD',
    'READER_PASSWORD',
    'DATABASE_PASSWORD',
    'REPLICATION_PASSWORD',
  ]);
  expect(run()).toMatchObject({
    status: 0,
    stderr: '',
    stdout: expect.not.stringContaining('.env'),
  });
  expect(readFileSync(file, 'utf8')).toBe(env);
});

test('the bridge configuration of the container takes several users, a certificate and its fingerprint', () => {
  const text = readFileSync(join(deploy, 'docker', 'bridge.yaml.example'), 'utf8');
  const env = {
    BRIDGE_PASSWORD: 'pw',
    SYNOLOGY_URL: 'https://nas.example/x?token=%22t%22',
    SYNOLOGY_TOKEN: 'token',
    SYNOLOGY_USER_IDS: '4, 5,6',
    SYNOLOGY_CA_FILE: '/etc/gatehouse/nas.pem',
    SYNOLOGY_FINGERPRINT: 'AA:BB',
  };
  expect(parseConfig(text, 'bridge.yaml', env).synology).toMatchObject({
    allowedUserIds: ['4', '5', '6'],
    caFile: '/etc/gatehouse/nas.pem',
    fingerprint256: 'AA:BB',
  });
  const bare = { ...env, SYNOLOGY_USER_IDS: '4', SYNOLOGY_CA_FILE: '', SYNOLOGY_FINGERPRINT: '' };
  expect(parseConfig(text, 'bridge.yaml', bare).synology).toMatchObject({
    allowedUserIds: ['4'],
    caFile: null,
    fingerprint256: null,
  });
});
