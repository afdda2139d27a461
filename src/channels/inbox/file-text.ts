/** Extracts the text of a posted file: plain text, markdown or PDF. Everything else is refused. */
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { decodeText } from '#shared/text/decode-text';
import type { PdfText } from './pdf-worker.ts';

export type FileText =
  /** `isPartial`: some of its letters could not be read. */
  | { ok: true; text: string; isCut: boolean; isPartial: boolean }
  | { ok: false; why: 'unreadable' | 'empty' };

/** The scan of a book takes minutes; too long for an answer in a chat. */
const pdfMsMax = 20_000;
/** Heap of the worker thread. Only a malicious PDF needs more. */
const pdfHeapMb = 128;
/**
 * Allowed growth of the process while it reads one PDF. Inflated streams lie outside of the heap: 300 KB can become
 * 300 MB. The thread with its libraries and an ordinary PDF take some 50 MB, and more with a full heap.
 */
const pdfGrowthBytesMax = 320 * 1024 ** 2;
/** A CPU inflates a few megabytes in this time. */
const watchMs = 20;

/**
 * Reads files; PDFs one at a time. `beforePdf` is called right before a PDF is read, to record the attempt: a PDF that
 * crashes the process must not crash it again.
 */
export function createFileReader(
  limits = { msMax: pdfMsMax, growthBytesMax: pdfGrowthBytesMax },
): (bytes: Buffer, charsMax: number, beforePdf: () => void) => Promise<FileText> {
  let last: Promise<unknown> = Promise.resolve();
  return async (bytes, charsMax, beforePdf) => {
    if (!bytes.subarray(0, 1_024).includes('%PDF-')) {
      const text = decodeText(bytes);
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
  // Cut before splitting: an array of the characters of ten megabytes blocks the bridge for seconds. A character is at
  // most two units, and its line end two more.
  const start = read.text.trim().slice(0, 4 * (charsMax + 1));
  const chars = Array.from(start.replaceAll('\r\n', '\n'));
  if (chars.length === 0) return { ok: false, why: isPartial ? 'unreadable' : 'empty' };
  const isCut = chars.length > charsMax;
  return { ok: true, text: chars.slice(0, charsMax).join(''), isCut, isPartial };
}

/** Runs in a worker thread: reading keeps a CPU busy, and a broken file must not end the bridge. */
async function pdfText(
  bytes: Buffer,
  charsMax: number,
  { msMax, growthBytesMax }: { msMax: number; growthBytesMax: number },
): Promise<PdfText | null> {
  const file = new URL(`./pdf-worker${extname(import.meta.filename)}`, import.meta.url);
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
    // The next PDF is read only after the memory of this one is freed.
    await worker.terminate();
  }
}
