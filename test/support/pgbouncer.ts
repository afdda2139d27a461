/** A private PgBouncer on a free loopback port, before a PostgreSQL of the tests. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { startChild } from './child-server.ts';
import { findProgram, prepareProgram } from './debian-package.ts';
import { freePort } from './free-port.ts';
import type { PostgresServer } from './postgres-server.ts';

/** Installs PgBouncer if that is allowed. Returns why it is missing, or null. */
export const preparePgbouncer = (): string | null => prepareProgram('pgbouncer', ['pgbouncer']);

/** Why tests with PgBouncer must be skipped, or null. */
export const pgbouncerMissing = (): string | null =>
  findProgram('pgbouncer') === null ? 'pgbouncer is not installed (Debian package)' : null;

export interface Pgbouncer {
  port: number;
  stop(): Promise<void>;
}

/**
 * It logs in to the server as the role of the tests, whatever user a client names.
 * @throws Error if it is not installed or does not start
 */
export async function startPgbouncer(
  { port: serverPort, role }: PostgresServer,
  mode: 'session' | 'transaction' | 'statement',
): Promise<Pgbouncer> {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-pgbouncer-'));
  chmodSync(folder, 0o755);
  const port = await freePort();
  const config = join(folder, 'pgbouncer.ini');
  const lines = [
    '[databases]',
    `* = host=127.0.0.1 port=${serverPort} user=${role.user} password='${role.password}'`,
    '[pgbouncer]',
    'listen_addr = 127.0.0.1',
    `listen_port = ${port}`,
    'unix_socket_dir =',
    'auth_type = any',
    `pool_mode = ${mode}`,
    // It refuses to stay root.
    ...(process.getuid?.() === 0 ? ['user = nobody'] : []),
  ];
  writeFileSync(config, `${lines.join('\n')}\n`);
  const child = await startChild(findProgram('pgbouncer') ?? 'pgbouncer', [config], () =>
    accepts(port),
  );
  return {
    port,
    async stop() {
      await child.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
