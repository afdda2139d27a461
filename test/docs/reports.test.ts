/** docs/schedules.md and docs/memory.md name tests that exist, and all events with their data. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { memoryEventCatalog } from '#shared/wire/memory-event';
import { scheduleEventCatalog } from '#shared/wire/schedule-event';
import { projectRoot } from '#test/support/project-root';

const pages = [
  ['docs/schedules.md', scheduleEventCatalog],
  ['docs/memory.md', memoryEventCatalog],
] as const;
const textOf = (file: string): string => readFileSync(join(projectRoot, file), 'utf8');

test.each(pages)('each report in %s names a test that exists', (page) => {
  const cells = [...textOf(page).matchAll(/\| `(test\/[\w/.-]+\.ts)`: (.+?) \|$/gm)];
  expect(cells.length).toBeGreaterThan(10);
  const missing = cells.filter(([, file = '', title = '']) => !textOf(file).includes(`'${title}'`));
  expect(missing.map(([cell]) => cell)).toEqual([]);
});

test.each(pages)('%s has each type of event with its data', (page, catalog) => {
  const text = textOf(page);
  const table = text.slice(text.indexOf('## Events'), text.indexOf('## What went wrong'));
  const rows = [...table.matchAll(/^\| `(\w+)` \| (.*) \|$/gm)].map(([, type, data]) => [
    type,
    data,
  ]);
  expect(Object.fromEntries(rows)).toEqual(catalog);
});
