/**
 * Worker thread that reads one PDF, page by page, until there is enough text.
 *
 * A font that is not embedded is decoded by its named CMap; bin/build.mjs puts the CMaps beside the built files. The
 * letters of an unreadable font are left out: the library only logs a warning.
 */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parentPort, workerData } from 'node:worker_threads';
import { getDocumentProxy } from 'unpdf';

export interface PdfText {
  text: string;
  /** Letters are missing. */
  isPartial: boolean;
}

const { bytes, charsMax } = workerData as { bytes: Uint8Array; charsMax: number };

const built = new URL('./cmaps/', import.meta.url);
const cMaps = existsSync(built)
  ? built
  : new URL('./cmaps/', import.meta.resolve('pdfjs-dist/package.json'));

let isPartial = false;
// Other warnings are dropped: a broken file causes many.
Object.assign(console, {
  warn(message: unknown) {
    if (String(message).startsWith('Warning: loadFont')) isPartial = true;
  },
});

const document = await getDocumentProxy(bytes, {
  verbosity: 1,
  cMapUrl: fileURLToPath(cMaps),
  cMapPacked: true,
});
const pages: string[] = [];
let chars = 0;
for (let number = 1; number <= document.numPages && chars <= charsMax; number += 1) {
  const page = await document.getPage(number);
  const { items } = await page.getTextContent();
  const text = items
    .map((item) => ('str' in item ? item.str + (item.hasEOL ? '\n' : '') : ''))
    .join('');
  pages.push(text);
  chars += text.length;
}
const read: PdfText = { text: pages.join('\n\n'), isPartial };
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
parentPort?.postMessage(read);
