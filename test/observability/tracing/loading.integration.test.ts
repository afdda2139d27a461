/** The OpenTelemetry packages that a core loads with and without traces. */
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

test('a core loads the OpenTelemetry SDK and exporter only when traces are configured', async () => {
  const [without, asked] = await Promise.all([
    packagesWith({}),
    packagesWith({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }),
  ]);
  // prom-client loads @opentelemetry/api, which has only interfaces.
  expect(without.filter((name) => name !== 'api')).toEqual([]);
  expect(asked).toEqual(expect.arrayContaining(['sdk-trace', 'exporter-trace-otlp-http']));
});
