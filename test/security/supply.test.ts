/** Third-party packages: each with its hash, no install script in production, compatible licenses. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { projectRoot } from '#test/support/project-root';

interface Locked {
  version?: string;
  resolved?: string;
  integrity?: string;
  license?: string;
  dev?: boolean;
  optional?: boolean;
  hasInstallScript?: boolean;
  os?: string[];
  cpu?: string[];
}

const source = readFileSync(join(projectRoot, 'package-lock.json'), 'utf8');
const { packages } = JSON.parse(source) as { packages: Record<string, Locked> };
const { '': own, ...others } = packages;
const locked = Object.entries(others);
const inProduction = locked.filter(([, { dev }]) => dev !== true);

/** May be part of a program under any license; the last three if their files stay unchanged. */
const licenses = new Set([
  'MIT',
  'MIT-0',
  'ISC',
  '0BSD',
  'BSD-2-Clause',
  'BSD-3-Clause',
  'Apache-2.0',
  'MIT OR Apache',
  'BlueOak-1.0.0',
  'Unlicense',
  'MPL-2.0',
  '(MIT OR EUPL-1.1+)',
  'EPL-2.0 OR GPL-3.0-or-later',
]);

describe('the third-party packages', () => {
  test('have one exact version each in package.json', () => {
    const asked = JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as Record<
      string,
      Record<string, string>
    >;
    for (const field of ['dependencies', 'devDependencies', 'optionalDependencies']) {
      for (const [name, version] of Object.entries(asked[field] ?? {})) {
        expect(version, name).toMatch(/^(npm:@?[^@]+@)?\d+\.\d+\.\d+(-[a-z]+\.\d+)?$/);
      }
    }
    expect(own).toBeDefined();
    expect(locked.length).toBeGreaterThan(100);
  });

  test('have a sha512 hash in the lock, and the lock names no registry', () => {
    expect(source).not.toMatch(/https?:\/\/[^"]*(?:registry|\.tgz)/);
    const unchecked = locked.filter(([, { integrity }]) => integrity === undefined);
    // Builds for other systems, which not every registry has; npm installs them only on their system.
    for (const [name, { optional, os, cpu }] of unchecked) {
      expect(optional === true && (os ?? cpu) !== undefined, name).toBe(true);
    }
    for (const [name, { integrity }] of locked) {
      if (integrity !== undefined) expect(integrity, name).toMatch(/^sha512-/);
    }
  });

  test('have no install script in production', () => {
    const scripts = inProduction.filter(([, { hasInstallScript }]) => hasInstallScript === true);
    expect(scripts.map(([name]) => name)).toEqual([]);
  });

  test('have licenses that are compatible with that of Gatehouse', () => {
    const others = inProduction.filter(([, { license }]) => !licenses.has(license ?? ''));
    // Builds of a package for one system name no license; the package itself does.
    expect(others.filter(([, { os, cpu }]) => (os ?? cpu) === undefined)).toEqual([]);
  });
});
