/** The stop of a core goes on over parts that fail or do not end. */
import { expect, test } from 'vitest';
import { stopParts } from '#app/stop-parts';
import { silentLog } from '#shared/log';

test('a part that throws, rejects or never ends does not keep the others, which stop from the last to the first', async () => {
  const stopped: string[] = [];
  const closers = [
    () => void stopped.push('database'),
    () => Promise.reject(new Error('refused')),
    () => new Promise<void>(() => stopped.push('leases')),
    () => {
      throw new Error('broken');
    },
    () => void stopped.push('server'),
  ];
  await stopParts(closers, silentLog(), { partMs: 20, allMs: 20, leastMs: 5 });
  expect(stopped).toEqual(['server', 'leases', 'database']);
  expect(closers).toEqual([]);
});

test('a part is waited for', async () => {
  const stopped: string[] = [];
  const slow = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    stopped.push('jobs');
  };
  await stopParts([() => void stopped.push('database'), slow], silentLog());
  expect(stopped).toEqual(['jobs', 'database']);
});
