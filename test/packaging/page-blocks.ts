/** The commands of the pages, read out of their `sh` blocks: README whole, of a page in docs/ what comes before its second heading. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface PageBlock {
  /** Such as `docs/events.md`. */
  page: string;
  /** As it stands, without the fence. */
  text: string;
}

export function pageBlocks(root: string): PageBlock[] {
  const pages = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', ...pages.sort().map((name) => `docs/${name}`)].flatMap((page) => {
    const text = readFileSync(join(root, page), 'utf8');
    const first =
      page === 'README.md'
        ? text
        : text
            .split(/^(?=## )/m)
            .slice(0, 2)
            .join('');
    return [...first.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(([, block]) => ({
      page,
      text: block!.trimEnd(),
    }));
  });
}
