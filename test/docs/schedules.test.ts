/** docs/schedules.md names tests that exist, and all events with their data. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scheduleEventCatalog } from '#shared/wire/schedule-event';
import { projectRoot } from '#test/support/project-root';

test('each report in docs/schedules.md names a test that exists', () => {
  const page = readFileSync(join(projectRoot, 'docs/schedules.md'), 'utf8');
  const cells = [...page.matchAll(/\| `(test\/[\w/.-]+\.ts)`: (.+?) \|$/gm)];
  expect(cells.length).toBeGreaterThan(10);
  const missing = cells.filter(([, file = '', title = '']) => {
    const text = readFileSync(join(projectRoot, file), 'utf8');
    return !text.includes(`'${title}'`);
  });
  expect(missing.map(([cell]) => cell)).toEqual([]);
});

test('docs/schedules.md has each type of event with its data', () => {
  const page = readFileSync(join(projectRoot, 'docs/schedules.md'), 'utf8');
  const table = page.slice(page.indexOf('## Events'), page.indexOf('## What went wrong'));
  const rows = [...table.matchAll(/^\| `(\w+)` \| (.*) \|$/gm)].map(([, type, text]) => [
    type,
    text,
  ]);
  expect(Object.fromEntries(rows)).toEqual(scheduleEventCatalog);
});
