/** The text of a file that somebody posted: plain text, markdown, PDF. What is none of these is refused. */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { textOf } from '../lib/text-bytes.ts';
import type { PdfText } from './pdf-thread.ts';

export type FileText =
  /** `isPartial`: some of its letters could not be read. */
  | { ok: true; text: string; isCut: boolean; isPartial: boolean }
  | { ok: false; why: 'unreadable' | 'empty' };

/** A scan of a book keeps the reader busy for minutes; nobody waits that long for a chat. */
const pdfMsMax = 20_000;
/** Of the reader's thread. A PDF that wants more is made to want it. */
const pdfHeapMb = 128;
/**
 * By so much the process may grow over one PDF. What a stream of it is inflated to lies outside of the heap: 300 KB
 * can become 300 MB. The thread with its libraries and an honest PDF take some 50 MB, and more with its heap full.
 */
const pdfGrowthBytesMax = 320 * 1024 ** 2;
/** A processor inflates a few megabytes in this time. */
const watchMs = 20;

/**
 * Reads files, of PDFs one at a time. `beforePdf` is called right before the reading of a PDF begins: what has
 * ended the process then, should not end it again.
 */
export function createFileReader(
  limits = { msMax: pdfMsMax, growthBytesMax: pdfGrowthBytesMax },
): (bytes: Buffer, charsMax: number, beforePdf: () => void) => Promise<FileText> {
  let last: Promise<unknown> = Promise.resolve();
  return async (bytes, charsMax, beforePdf) => {
    if (!bytes.subarray(0, 1_024).includes('%PDF-')) {
      const text = textOf(bytes);
      return asFileText(text === null ? null : { text, isPartial: false }, charsMax);
    }
    const reading = last.then(() => {
      beforePdf();
      return pdfText(bytes, charsMax, limits);
    });
    last = reading.catch(() => undefined);
    return asFileText(await reading, charsMax);
  };
}

function asFileText(read: PdfText | null, charsMax: number): FileText {
  if (read === null) return { ok: false, why: 'unreadable' };
  const { isPartial } = read;
  // Cut before anything is made of it: a list of the characters of ten megabytes keeps the bridge busy for seconds. A
  // character is two units at most, and its line end two more.
  const start = read.text.trim().slice(0, 4 * (charsMax + 1));
  const chars = Array.from(start.replaceAll('\r\n', '\n'));
  if (chars.length === 0) return { ok: false, why: isPartial ? 'unreadable' : 'empty' };
  const isCut = chars.length > charsMax;
  return { ok: true, text: chars.slice(0, charsMax).join(''), isCut, isPartial };
}

/** In a thread of its own: reading keeps a processor busy, and a broken file must not end the bridge. */
async function pdfText(
  bytes: Buffer,
  charsMax: number,
  { msMax, growthBytesMax }: { msMax: number; growthBytesMax: number },
): Promise<PdfText | null> {
  const file = new URL(`./pdf-thread${extname(import.meta.filename)}`, import.meta.url);
  const worker = new Worker(file, {
    workerData: { bytes: new Uint8Array(bytes), charsMax },
    resourceLimits: { maxOldGenerationSizeMb: pdfHeapMb },
    stdout: true,
    stderr: true,
  });
  const { promise, resolve } = Promise.withResolvers<PdfText | null>();
  const timer = setTimeout(() => resolve(null), msMax);
  const bytesMax = process.memoryUsage.rss() + growthBytesMax;
  const watch = setInterval(() => {
    if (process.memoryUsage.rss() > bytesMax) resolve(null);
  }, watchMs);
  worker.once('message', (read: PdfText) => resolve(read));
  worker.once('error', () => resolve(null));
  worker.once('exit', () => resolve(null));
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
    clearInterval(watch);
    // The next one is read when the memory of this one is free.
    await worker.terminate();
  }
}
