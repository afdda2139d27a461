/**
 * A process with a NATS server of its own.
 *
 *   node own-server-child.ts DATABASE NATS-SERVER
 *
 * Prints the server's pid and address once connected, then runs until it is killed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openRig } from './rig.ts';

const [path = '', command = ''] = process.argv.slice(2);
const { messaging } = await openRig({
  path,
  config: { mode: 'child' },
  messaging: { ownServer: { command, port: 0 } },
});
while (messaging.status().bus !== 'connected') await sleep(5);
const { server, url } = messaging.status();
console.log(JSON.stringify({ pid: server?.pid, url }));
