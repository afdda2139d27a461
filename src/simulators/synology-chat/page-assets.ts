/** The page's files, read once at start, and the headers of all responses. */
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';

const folder = join(import.meta.dirname, 'page');

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
};

export const readAssets = (): ReadonlyMap<string, { body: Buffer; type: string }> =>
  new Map(
    readdirSync(folder).map((name) => {
      const type = types[extname(name)] ?? 'application/octet-stream';
      return [name, { body: readFileSync(join(folder, name)), type }];
    }),
  );

/** No resources from other origins, nothing inline: texts that a bridge posts can never become markup or code. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};
