/** The thread that reads one PDF: page by page, until there is as much text as is wanted. */
import { parentPort, workerData } from 'node:worker_threads';
import { getDocumentProxy } from 'unpdf';

const { bytes, charsMax } = workerData as { bytes: Uint8Array; charsMax: number };

const document = await getDocumentProxy(bytes);
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
// oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
parentPort?.postMessage(pages.join('\n\n'));
