/** The client scenarios of the official conformance suite without OAuth, in both requirement sets. */
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

/** The scenarios that count for a revision, and one that was added to the suite after it. */
const scenarios: Record<string, readonly string[]> = {
  '2025-11-25': ['initialize', 'tools_call', 'elicitation-sep1034-client-defaults', 'sse-retry'],
  '2026-07-28': [
    'tools_call',
    'request-metadata',
    'sep-2322-client-request-state',
    'http-standard-headers',
    'http-custom-headers',
    'http-invalid-tool-headers',
    'json-schema-ref-no-deref',
  ],
};
const added = ['json-schema-2020-12-preservation'];

const cases = Object.entries(scenarios).flatMap(([revision, names]) =>
  [...names, ...added].map((name): [string, string] => [revision, name]),
);

describe('the official conformance suite', () => {
  test.each(Object.keys(scenarios))(
    'requires no other client scenario for %s, but those of OAuth',
    (revision) => {
      const path = join(suite, '..', '..', 'requirements', `${revision}.yaml`);
      const required = parse(readFileSync(path, 'utf8')) as { client: string[] };
      const names = required.client.filter((name) => !name.startsWith('auth/'));
      expect(names).toEqual(scenarios[revision]);
    },
  );

  test.concurrent.each(cases)('%s: %s', async (revision, scenario) => {
    const args = ['--scenario', scenario, '--spec-version', revision, '--command', client];
    // Ends with 1 if a check fails that is not listed, or if one that is listed passes.
    await run(process.execPath, [
      suite,
      'client',
      ...args,
      '--expected-failures',
      expectedFailures,
    ]);
  });
});
