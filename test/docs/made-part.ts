/**
 * Generated parts of a page: between `<!-- made -->` and `<!-- /made -->`. The text around is written by hand.
 * `UPDATE_DOCS=1 npx vitest run test/docs` rewrites the generated parts.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { projectRoot } from '#test/support/project-root';

const docs = join(projectRoot, 'docs');
const [begin, end] = ['<!-- made -->\n', '<!-- /made -->'];

/** Fails if the page differs from the generated text. */
export function expectMade(name: string, made: string): void {
  const path = join(docs, name);
  const page = readFileSync(path, 'utf8');
  const [from, to] = [page.indexOf(begin) + begin.length, page.indexOf(end)];
  expect(to, `${name} has a part between the marks`).toBeGreaterThanOrEqual(from);
  if (process.env['UPDATE_DOCS'] === '1') {
    writeFileSync(path, page.slice(0, from) + made + page.slice(to));
  } else {
    expect(page.slice(from, to), 'run: UPDATE_DOCS=1 npx vitest run test/docs').toBe(made);
  }
}

export const tableOf = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |\n`).join('');
