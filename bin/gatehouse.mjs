#!/usr/bin/env node
/**
 * The `gatehouse` command, from the sources where they are and from the built package elsewhere: Node strips no types
 * under node_modules. Plain JavaScript that old versions of Node can read too, so that they can be told.
 */
import { existsSync } from 'node:fs';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 24 || (major === 24 && minor < 12)) {
  process.stderr.write(`gatehouse: needs Node 24.12 or newer, this is ${process.version}\n`);
  process.exit(1);
}
const source = new URL('../src/cli/gatehouse.ts', import.meta.url);
const built = new URL('../dist/src/cli/gatehouse.js', import.meta.url);
await import(existsSync(source) ? source.href : built.href);
