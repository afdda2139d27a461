/** Go programs of examples/ for tests. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'vitest';
import { folderForTest } from '#test/events/nats-fixture';
import { debianGoPath } from './nats-go.ts';
import { projectRoot } from './project-root.ts';

/** Builds a program of examples/ and returns its path. */
export function buildGo(source: string): string {
  const program = join(folderForTest(), 'program');
  const { status, stderr } = spawnSync(
    'go',
    ['build', '-o', program, join(projectRoot, 'examples', source)],
    {
      encoding: 'utf8',
      env: { ...process.env, GO111MODULE: 'off', GOPATH: debianGoPath },
      timeout: 120_000,
    },
  );
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return program;
}
