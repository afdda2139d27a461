/** What a text file is called, and which files are text. */
import { basename, extname } from 'node:path';

/** The title of a file: the first heading of markdown, else its name. macOS gives names decomposed. */
export function titleOfFile(path: string, text: string): string {
  const heading = isMarkdown(path) ? /^#{1,3}\s+(.+?)\s*#*\s*$/m.exec(text.slice(0, 4000)) : null;
  return heading?.[1] ?? basename(path, extname(path)).normalize('NFC');
}

export const isMarkdown = (path: string): boolean => /\.(?:md|markdown|mdown)$/i.test(path);

/** Files that an import takes. */
export const isTextFile = (path: string): boolean =>
  isMarkdown(path) || /\.(?:txt|text|log|csv|rst|org|adoc)$/i.test(path);
