/** The model of the shared gate in docs/gate-cluster.pml holds, and Spin finds each fault that it can be given. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, onTestFinished, test } from 'vitest';
import { scratchFolder } from '#test/support/journal';
import { projectRoot } from '#test/support/project-root';
import { spinMissing } from '#test/support/spin';

const model = join(projectRoot, 'docs', 'gate-cluster.pml');
/** As the head of the file names them. */
const faults = new Set(readFileSync(model, 'utf8').match(/(?<=-D)[A-Z]+/g));

/** The number of errors, 1 at most: Spin ends at the first. */
async function errorsWith(options: readonly string[]): Promise<number> {
  const folder = scratchFolder();
  onTestFinished(() => folder.remove());
  const { stdout } = await promisify(execFile)(
    'spin',
    [...options, '-search', '-ltl', 'safe', model],
    { cwd: folder.path, timeout: 60_000 },
  );
  return Number(/errors: (\d+)/.exec(stdout)?.[1]);
}

describe.skipIf(spinMissing() !== null)('the model of the shared gate', { timeout: 60_000 }, () => {
  test('never has two requests at the model server', async () => {
    expect(await errorsWith([])).toBe(0);
  });

  test.each([...faults])('has them with the fault %s', async (fault) => {
    expect(await errorsWith([`-D${fault}`])).toBe(1);
  });

  test('names its faults', () => {
    expect(faults.size).toBe(6);
  });
});
