/** What traces cost where nobody asked for them. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { scratchFolder } from '#test/support/journal';

const child = join(import.meta.dirname, 'loading-child.ts');

async function packagesWith(env: Record<string, string>): Promise<string[]> {
  const scratch = scratchFolder();
  onTestFinished(() => scratch.remove());
  const { stdout } = await promisify(execFile)(process.execPath, [child, scratch.path], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
  });
  return JSON.parse(stdout) as string[];
}

test('without traces no package for them is loaded; with them they are', async () => {
  const [without, asked] = await Promise.all([
    packagesWith({}),
    packagesWith({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }),
  ]);
  // The library of the figures has the interfaces in its own hands, which is all that this one is.
  expect(without.filter((name) => name !== 'api')).toEqual([]);
  expect(asked).toEqual(expect.arrayContaining(['sdk-trace', 'exporter-trace-otlp-http']));
});
