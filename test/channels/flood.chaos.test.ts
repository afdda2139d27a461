/** The bridge as a process under a flood of posts: it refuses, limits its memory, and still serves allowed users. */
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { folderForTest } from '#test/events/nats-fixture';
import { freePort } from '#test/support/free-port';
import { program } from './storm-world.ts';

const token = 'F'.repeat(64);
const posts = 10_000;
const megabyte = 1024;
/** The upper limit of the process's peak memory, in kilobytes. */
const memoryMax = 150 * megabyte;

async function lonely() {
  const folder = folderForTest();
  const port = await freePort();
  const file = join(folder, 'gatehouse.json');
  writeFileSync(
    file,
    JSON.stringify({
      nats: { mode: 'external', url: 'nats://127.0.0.1:1' },
      synology: {
        incomingUrl: 'http://127.0.0.1:1/webapi/entry.cgi?method=chatbot&token=%22x%22',
        token,
        allowedUserIds: [4],
        port,
        database: join(folder, 'synology.db'),
      },
      logging: { level: 'info', pretty: false },
    }),
  );
  const url = `http://127.0.0.1:${port}`;
  const bridge = program(['bridge', 'synology', '--config', file], `${url}/healthz`);
  // The first start fills the compile cache, which costs memory that a second start does not need.
  await bridge.start();
  await bridge.stop();
  await bridge.start();
  onTestFinished(() => bridge.stop());
  return { url: `${url}/webhook/synology`, bridge };
}

/** The peak memory of the process in kilobytes, as Linux counts it; null on other systems. */
function peakMemory(pid: number): number | null {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
  } catch {
    return null;
  }
}

describe('a bridge under a flood', () => {
  test(
    'refuses most of 10,000 posts, stays under 150 MB and continues to serve',
    { timeout: 120_000 },
    async () => {
      const { url, bridge } = await lonely();
      const agent = new Agent({ keepAlive: true, maxSockets: 200 });
      onTestFinished(() => agent.destroy());
      const seen = new Map<string, number>();
      const post = (body: string): Promise<string> =>
        new Promise((resolve) => {
          const sent = request(url, { method: 'POST', agent }, (response) => {
            response.resume();
            response.once('end', () => resolve(String(response.statusCode)));
          });
          sent.once('error', () => resolve('closed'));
          sent.end(body);
        });
      const bodyOf = (n: number): string => {
        const owner = n % 3 === 0 ? token : 'wrong';
        return `token=${owner}&user_id=4&post_id=${n}&text=${'x'.repeat(n % 5 === 0 ? 40_000 : 20)}`;
      };
      let next = 0;
      const worker = async (): Promise<void> => {
        while (next < posts) {
          next += 1;
          const status = await post(bodyOf(next));
          seen.set(status, (seen.get(status) ?? 0) + 1);
        }
      };
      await Promise.all(Array.from({ length: 200 }, worker));
      // 200: the limit of one user per minute. 401: the first wrong tokens. Most connections of one address are
      // closed.
      const answers = [...seen.keys()].filter((answer) => answer !== 'closed');
      expect(answers.toSorted()).toEqual(['200', '401', '429']);
      expect(seen.get('401')).toBe(10);
      expect(seen.get('200')).toBeLessThan(100);
      const peak = peakMemory(bridge.pid!);

      if (peak !== null) expect(peak).toBeLessThan(memoryMax);
      agent.destroy();
      const inbox = async (): Promise<number | null> => {
        try {
          const health = (await (await fetch(new URL('/healthz', url))).json()) as {
            inbox: number;
          };
          return health.inbox;
        } catch {
          // The bridge has not noticed yet that the connections of the flood are closed.
          return null;
        }
      };
      await expect.poll(inbox, { timeout: 10_000, interval: 50 }).toBe(seen.get('200'));
      expect(bridge.output).not.toContain(token);
      expect(bridge.output).not.toContain('xxxx');
    },
  );
});
