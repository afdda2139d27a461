/**
 * The files of a page: its own, those in `src/shared/page`, and the modules of packages that they import. There is no
 * bundler. From the sources, a TypeScript file loses its types when it is first requested; the package has JavaScript.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { basename, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface PageAsset {
  readonly type: string;
  readonly body: Buffer;
}

const types: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml; charset=utf-8',
};

/** Packages with a single module for the browser, by the name that the scripts import. */
const packages = ['preact', 'htm'];

/**
 * By the name under which the page requests them: all are served in one folder, `main.ts` as `main.js`. A file of a
 * later folder replaces one of the same name.
 */
export function readPage(...own: readonly string[]): Map<string, PageAsset> {
  const folders = [join(import.meta.dirname, 'page'), ...own];
  const files = folders.flatMap((one) => readdirSync(one).map((name) => join(one, name)));
  const assets = new Map<string, PageAsset>();
  for (const file of files) {
    const type = types[extname(file).replace('.ts', '.js')];
    if (type !== undefined) assets.set(basename(file).replace(/\.ts$/, '.js'), asset(file, type));
  }
  for (const name of packages) {
    const file = fileURLToPath(import.meta.resolve(name));
    assets.set(`${name}.js`, asset(file, types['.js']!));
  }
  return assets;
}

function asset(file: string, type: string): PageAsset {
  let body: Buffer | null = null;
  return {
    type,
    get body() {
      body ??= type === types['.js'] ? Buffer.from(scriptOf(file)) : readFileSync(file);
      return body;
    },
  };
}

/** The file as JavaScript whose imports name other files of the page. */
function scriptOf(file: string): string {
  const text = readFileSync(file, 'utf8');
  const script = file.endsWith('.ts') ? withoutTypes(text) : text.replace(/^\/\/# source.*$/m, '');
  return script.replace(
    /^((?:import|export)\s[^'";=]*?from\s*|import\s*)(['"])([^'"]+)\2/gm,
    (_all, before: string, quote: string, name: string) =>
      `${before}${quote}./${basename(name).replace(/\.\w+$/, '')}.js${quote}`,
  );
}

/** Node warns that this function may change; its version is fixed, and users of the sources cannot act on it. */
function withoutTypes(text: string): string {
  const { emitWarning } = process;
  process.emitWarning = () => undefined;
  try {
    return stripTypeScriptTypes(text);
  } finally {
    process.emitWarning = emitWarning;
  }
}

/** No resources from other origins, nothing inline, no framing: a text can never become markup or code. */
export const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
};
