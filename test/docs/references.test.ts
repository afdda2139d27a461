/** References in the pages and in CONTRIBUTING.md: files, folders, links, and sections that are quoted by their title. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { projectRoot } from '#test/support/project-root';

const docs = readdirSync(join(projectRoot, 'docs')).filter((name) => name.endsWith('.md'));
const pages = [
  'README.md',
  'ARCHITECTURE.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  ...docs.map((name) => `docs/${name}`),
];
const textOf = (page: string): string => readFileSync(join(projectRoot, page), 'utf8');
const exists = (path: string): boolean => existsSync(join(projectRoot, path));

/** Files that a reader creates, and patterns. */
const isExample = (path: string): boolean => /NNNN|[<>*]|^dist\/|core\.yaml$/.test(path);

test.each(pages)('every file and folder that %s names exists', (page) => {
  const text = textOf(page).replaceAll(/^```[\s\S]*?^```/gm, '');
  const files = [
    ...text.matchAll(
      /(?<![\w./-])((?:src|test|machines|bench|deploy|examples|docs)\/[\w./-]*\.(?:ts|js|mjs|md|yaml|json|sql|sh|svg|png|css|py))(?!\w)/g,
    ),
  ].map(([, path = '']) => path);
  const folders = [
    ...text.matchAll(/`((?:src|test|machines|bench|deploy|examples)\/[\w/-]+)`/g),
  ].map(([, path = '']) => path);
  // A test may be named without its endings, as vitest takes it.
  const isTest = (path: string): boolean =>
    ['.test.ts', '.integration.test.ts', '.e2e.test.ts', '.chaos.test.ts'].some((end) =>
      exists(path + end),
    );
  const missing = [...files, ...folders].filter(
    (path) => !isExample(path) && !exists(path) && !isTest(path),
  );
  expect(missing).toEqual([]);
});

test.each(pages)('every link and every quoted section of %s exists', (page) => {
  const text = textOf(page);
  const links = [...text.matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^\w+:/.test(target) && !exists(join(dirname(page), target)));
  const sections = [...text.matchAll(/\b(docs\/[\w-]+\.md), "([^"]+)"/g)]
    .filter(
      ([, other = '', title = '']) =>
        !exists(other) || !['# ', '**'].some((start) => textOf(other).includes(`${start}${title}`)),
    )
    .map(([reference]) => reference);
  expect([...links, ...sections]).toEqual([]);
});
