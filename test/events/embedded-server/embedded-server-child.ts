/**
 * A process with a NATS server of its own.
 *
 *   node embedded-server-child.ts DATABASE NATS-SERVER
 *
 * Prints the server's pid and address once connected, then runs until it is killed.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { openMessagingFixture } from '../messaging-fixture.ts';

const [path = '', command = ''] = process.argv.slice(2);
const { messaging } = await openMessagingFixture({
  path,
  config: { mode: 'child' },
  messaging: { embeddedServer: { command, port: 0 } },
});
while (messaging.status().bus !== 'connected') await sleep(5);
const { server, url } = messaging.status();
console.log(JSON.stringify({ pid: server?.pid, url }));
