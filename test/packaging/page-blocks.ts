/** The commands in the `sh` blocks of README, and in those of a page in docs/ before its second heading. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface PageBlock {
  /** For example `docs/events.md`. */
  page: string;
  /** The text of the block, without the fence. */
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
