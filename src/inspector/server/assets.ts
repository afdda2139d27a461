/** The page's files, read once at start, and the headers that go with them. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { jobStateRows } from '#machines/job-states';

export interface Asset {
  body: Buffer;
  type: string;
  etag: string;
}

const folder = join(import.meta.dirname, '..', 'page');

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
};

/** A module of the page that is not a file: the states of the job machine. */
const statesModule = 'job-states.js';
const jobStates = Buffer.from(`export const jobStates = ${JSON.stringify(jobStateRows)};\n`);

/** `hasKeys`: the page asks for a key before it loads anything else. */
export function readAssets(hasKeys: boolean): ReadonlyMap<string, Asset> {
  const names = [...readdirSync(folder), statesModule];
  return new Map(
    names.map((name) => {
      const file = name === statesModule ? jobStates : readFileSync(join(folder, name));
      const body = name === 'index.html' ? completePage(file, names, hasKeys) : file;
      const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
      return [name, { body, type: types[extname(name)] ?? 'application/octet-stream', etag }];
    }),
  );
}

/** Adds preload links for all modules: else the browser finds them one import after another. */
function completePage(page: Buffer, names: string[], hasKeys: boolean): Buffer {
  const links = names
    .filter((name) => name.endsWith('.js'))
    .map((name) => `<link rel="modulepreload" href="/inspect/assets/${name}" />`);
  const body = hasKeys ? '<body data-needs-key>' : '<body>';
  const text = page.toString('utf8').replace('</head>', `${links.join('')}</head>`);
  return Buffer.from(text.replace('<body>', body));
}

/**
 * No resources from other origins, nothing inline, no framing: text of a chat message can never become markup or code.
 * The socket is on the same origin and is covered by `connect-src 'self'`.
 */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-cache',
};
