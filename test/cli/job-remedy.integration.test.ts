/** A failed job: `jobs show` names the model server, its status, its message, and the remedy. */
import { expect, onTestFinished, test, vi } from 'vitest';
import { showJob } from '#cli/jobs';
import { openCore } from '#test/support/core';
import { fails } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';

test('jobs show prints the cause of a failed job and its remedy', async () => {
  const fixture = await openCore();
  onTestFinished(() => fixture.close());
  const refused = fails(404, { error: { message: 'model "m" not found, pull it first' } });
  fixture.small.script(refused, refused, refused, refused);
  fixture.large.script(refused, refused, refused, refused);
  const jobId = await fixture.client.submit({ message: '안녕, 넌 누구야?' });
  await until(async () => (await fixture.client.job(jobId)).outcome !== null);
  expect((await fixture.client.job(jobId)).cause).toMatchObject({
    code: 'GH_BACKEND_REFUSED',
    error_reason: 'http_4xx',
    error_detail: expect.stringContaining('model "m" not found, pull it first'),
  });
  const lines: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(String(line)));
  await showJob(fixture.client, jobId, false);
  log.mockRestore();
  const shown = lines.join('\n');
  expect(shown).toContain('model "m" not found, pull it first');
  expect(shown).toMatch(/small.*404|404.*small/);
  expect(shown).toMatch(/^what to do: Check `backends\[\]\.model`.*\(GH_BACKEND_REFUSED\)$/m);
});
