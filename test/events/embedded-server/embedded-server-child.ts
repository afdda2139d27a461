/**
 * A process with an embedded NATS server.
 *
 *   node embedded-server-child.ts DATABASE NATS-SERVER
 *
 * Prints the pid and the address of the server when connected, then runs until it is killed.
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
