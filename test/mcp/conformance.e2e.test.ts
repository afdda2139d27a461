/** The client scenarios of the official conformance suite, in both requirement sets. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';

const run = promisify(execFile);
const suite = fileURLToPath(import.meta.resolve('@modelcontextprotocol/conformance/dist/index.js'));
const client = `${process.execPath} ${join(import.meta.dirname, 'conformance-client-child.ts')}`;
const expectedFailures = join(import.meta.dirname, 'cases', 'conformance-expected-failures.yaml');

/**
 * Of 2025-11-25, those that count and need no login, and one that was added to the suite after it. Its scenarios of
 * OAuth are scenarios of 2026-07-28 too, and run there.
 */
const ofOlderRevision = [
  'initialize',
  'tools_call',
  'elicitation-sep1034-client-defaults',
  'sse-retry',
  'json-schema-2020-12-preservation',
];

const requirementsOf = (revision: string): string[] => {
  const path = join(suite, '..', '..', 'requirements', `${revision}.yaml`);
  return (parse(readFileSync(path, 'utf8')) as { client: string[] }).client;
};

/** Ends with 1 if a check fails that is not listed, or if one that is listed passes. */
const runSuite = (...chosen: string[]) => {
  const limits = ['--timeout', '120000', '--expected-failures', expectedFailures];
  const args = [suite, 'client', ...chosen, '--command', client, ...limits];
  return run(process.execPath, args, { maxBuffer: 64_000_000 });
};

describe('the official conformance suite', () => {
  test('requires no other client scenario for 2025-11-25, but those of OAuth', () => {
    const older = requirementsOf('2025-11-25');
    const newer = requirementsOf('2026-07-28');
    const isElsewhere = (name: string): boolean => name.startsWith('auth/') && newer.includes(name);
    expect(older.filter((name) => !isElsewhere(name))).toEqual(ofOlderRevision.slice(0, -1));
  });

  test.concurrent('2026-07-28: all client scenarios that count', { timeout: 300_000 }, async () => {
    const { stdout } = await runSuite('--requirements', '2026-07-28');
    const shown = requirementsOf('2026-07-28').filter((name) => !stdout.includes(`${name}: `));
    expect(shown).toEqual([]);
  });

  test.concurrent.each(ofOlderRevision)('2025-11-25: %s', { timeout: 300_000 }, async (name) => {
    await runSuite('--scenario', name, '--spec-version', '2025-11-25');
  });
});
