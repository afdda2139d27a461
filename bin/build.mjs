#!/usr/bin/env node
/** `npm run build`: the sources as JavaScript in dist/, with the files that they read beside them. */
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
// Otherwise renamed files would stay and be packed.
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
// Only these 2 MB of the package are needed; the other 60 MB are not.
cpSync(`${root}node_modules/pdfjs-dist/cmaps`, `${root}dist/src/channels/inbox/cmaps`, {
  recursive: true,
});
// The imports that begin with # point to JavaScript here; `gatehouse --version` reads the nearest package.json.
const { name, version, type, imports } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
delete imports['#test/*'];
for (const [key, path] of Object.entries(imports)) imports[key] = path.replace(/\.ts$/, '.js');
writeFileSync(`${root}dist/package.json`, JSON.stringify({ name, version, type, imports }));
process.exit(status ?? 1);
