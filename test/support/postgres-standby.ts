/** A real streaming standby of a private PostgreSQL. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, chownSync, mkdtempSync, readlinkSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { freePort } from './free-port.ts';
import type { PostgresServer } from './postgres-server.ts';

export interface PostgresStandby {
  readonly port: number;
  /** Stops it and deletes its data. */
  remove(): Promise<void>;
}

/**
 * Resolves when it streams. `name`: as in `synchronous_standby_names`.
 * @throws Error if the copy cannot be made
 */
export async function startStandby(
  primary: PostgresServer,
  name: string,
): Promise<PostgresStandby> {
  const bin = dirname(readlinkSync(`/proc/${primary.pid}/exe`));
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-standby-'));
  const { uid, gid } = statSync(primary.data);
  chownSync(folder, uid, gid);
  const data = join(folder, 'data');
  const source = `host=${dirname(primary.data)} port=${primary.port} user=postgres application_name=${name}`;
  // -R: it follows the primary.
  const options = ['-D', data, '-R', '-X', 'stream', '--checkpoint=fast', '--no-sync'];
  const asOwner = { uid, gid, cwd: folder };
  execFileSync(join(bin, 'pg_basebackup'), ['-d', source, ...options], {
    ...asOwner,
    stdio: 'ignore',
    timeout: 60_000,
  });
  const port = await freePort();
  const config = `port = ${port}\nunix_socket_directories = '${folder}'\n`;
  appendFileSync(join(data, 'postgresql.conf'), config);
  const child = spawn(join(bin, 'postgres'), ['-D', data], { ...asOwner, stdio: 'ignore' });
  const end = (): void => void child.kill('SIGQUIT');
  process.on('exit', end);
  const streams = async (): Promise<boolean> => {
    const { rows } = await primary.run(
      `select from pg_stat_replication where application_name = '${name}' and state = 'streaming'`,
    );
    return rows.length > 0;
  };
  while (!(await streams())) {
    if (child.exitCode !== null) throw new Error('the standby did not start');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    port,
    async remove() {
      process.off('exit', end);
      if (child.exitCode === null) {
        const ended = once(child, 'exit');
        end();
        await ended;
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
