#!/usr/bin/env node
/** `npm run build`: the sources as JavaScript in dist/, with the files that they read beside them. */
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
// What was renamed since would stay behind, and be packed.
rmSync(`${root}dist`, { recursive: true, force: true });
const { status } = spawnSync(
  process.execPath,
  [`${root}node_modules/typescript/bin/tsc`, '-p', `${root}tsconfig.build.json`],
  { stdio: 'inherit' },
);
cpSync(`${root}src`, `${root}dist/src`, {
  recursive: true,
  filter: (path) => statSync(path).isDirectory() || !path.endsWith('.ts'),
});
// Some 2 MB of a package that has 60 more, which nobody needs to run this.
cpSync(`${root}node_modules/pdfjs-dist/cmaps`, `${root}dist/src/bridge/cmaps`, { recursive: true });
process.exit(status ?? 1);
