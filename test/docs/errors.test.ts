/** docs/errors.md lists exactly the codes of the table, with their status, kind and remedy. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { remedies } from '#shared/error-remedies';
import { errorTable, GatehouseError, type ErrorCode } from '#shared/errors';
import { projectRoot } from '#test/support/project-root';

const path = join(projectRoot, 'docs', 'errors.md');
if (process.env['UPDATE_DOCS'] === '1') updateTable();
const page = readFileSync(path, 'utf8');
const rows = [...page.matchAll(/^\| `(GH_[A-Z_]+)` \| (\w+) \| (\d+) \| (.+?) \| (.+) \|$/gm)];

test('docs/errors.md has every code once, as it is in the table', () => {
  const listed = rows.map(([, code, kind, status, title, remedy]) => [
    code,
    kind,
    Number(status),
    title,
    remedy,
  ]);
  const made = Object.entries(errorTable).map(([code, { kind, status, title }]) => [
    code,
    kind,
    status,
    title,
    remedies[code as ErrorCode],
  ]);
  expect(listed).toEqual(made);
});

test.each(Object.keys(errorTable) as ErrorCode[])(
  'the error %s has the kind and the status of its code',
  (code) => {
    const error = new GatehouseError(code);
    expect(error).toMatchObject({
      code,
      kind: errorTable[code].kind,
      status: errorTable[code].status,
    });
    expect(error.message).toBe(errorTable[code].title);
  },
);

/** `UPDATE_DOCS=1 npx vitest run test/docs` rewrites the table; the text above it is written by hand. */
function updateTable(): void {
  const [text = ''] = readFileSync(path, 'utf8').split('| code |');
  const lines = Object.entries(errorTable).map(
    ([code, { kind, status, title }]) =>
      `| \`${code}\` | ${kind} | ${status} | ${title} | ${remedies[code as ErrorCode]} |`,
  );
  const head = '| code | kind | HTTP status | meaning | what to do |\n|---|---|---|---|---|\n';
  writeFileSync(path, `${text}${head}${lines.join('\n')}\n`);
}
