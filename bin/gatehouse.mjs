#!/usr/bin/env node
/**
 * The `gatehouse` command: from the sources in the project, from the built package elsewhere, because Node strips no
 * types under node_modules. Plain JavaScript that old versions of Node can parse: a Node that is too old starts the
 * Node that is installed beside this package, if there is one.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major > 24 || (major === 24 && minor >= 12)) {
  const source = new URL('../src/cli/gatehouse.ts', import.meta.url);
  const built = new URL('../dist/src/cli/gatehouse.js', import.meta.url);
  await import(existsSync(source) ? source.href : built.href);
} else {
  // The package `node` of this project, or of the project in which it is installed. `guard` prevents a loop.
  const guard = 'GATEHOUSE_OWN_NODE';
  const own = ['../node_modules/node/bin/node', '../../node/bin/node']
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find(existsSync);
  if (own === undefined || process.env[guard] !== undefined) {
    process.stderr.write(`gatehouse: needs Node 24.12 or newer, this is ${process.version}\n`);
    process.exitCode = 1;
  } else {
    const self = fileURLToPath(import.meta.url);
    const child = spawn(own, [self, ...process.argv.slice(2)], {
      stdio: 'inherit',
      env: { ...process.env, [guard]: '1' },
    });
    // A terminal sends its signals to both processes; other senders to this process only.
    for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
    process.on('SIGINT', () => {
      if (!process.stdin.isTTY) child.kill('SIGINT');
    });
    child.on('error', (error) => {
      process.stderr.write(`gatehouse: ${own}: ${error.message}\n`);
      process.exitCode = 1;
    });
    child.on('exit', (code, signal) => {
      process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0);
    });
  }
}
