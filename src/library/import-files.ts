/**
 * Imports text and markdown files as documents. A file is identified by its path: importing it again updates its
 * document if the file has changed, and otherwise does nothing.
 *
 * 1. A file that cannot be read does not stop the import; it is reported with the reason.
 * 2. Files are imported in batches, each in one transaction: files counted in `done` are on disk.
 * 3. The import yields to the event loop between two batches and while it tokenizes, whatever the files hold.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, extname, join, resolve } from 'node:path';
import { messageOf } from '#shared/errors';
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import type { Document } from './document.ts';
import type { Library } from './library.ts';
import type { Changes } from './library-changes.ts';
import { decodeText } from '#shared/text/decode-text';
import type { FileOutcome, ImportProgress, ImportReport } from '#shared/wire/import-report';

/** Largest file. A book in plain text has one megabyte; a larger file is data. */
const fileBytesMax = 8 * 1024 * 1024;

/**
 * Files and characters per transaction: each transaction costs a flush to disk, and a large one blocks the core. A file
 * with more characters is alone in its transaction.
 */
const batchFiles = 32;
const batchCharsMax = 200_000;

export interface ImportOptions {
  library: Library;
  /** The user whose documents they become. */
  userId: string;
  onProgress?: (progress: ImportProgress) => void;
  /** Ends the import between two batches; imported files stay. */
  signal?: AbortSignal;
}

interface FileContent {
  path: string;
  text: string;
  sha256: string;
}

type Skipped = { path: string; reason: string };

/** Imports files and folders; in folders all text files at any depth, except hidden ones. */
export async function importFiles(
  paths: readonly string[],
  options: ImportOptions,
): Promise<ImportReport> {
  const { onProgress, signal } = options;
  const report: ImportReport = { added: 0, updated: 0, unchanged: 0, skipped: [] };
  const { files, missing } = await collectFiles(paths);
  const total = files.length + missing.length;
  let done = 0;
  const notifyProgress = (path: string, outcome: FileOutcome): void => {
    done += 1;
    onProgress?.({ done, total, path, outcome });
  };
  const skip = (skipped: Skipped): void => {
    report.skipped.push(skipped);
    notifyProgress(skipped.path, 'skipped');
  };

  missing.forEach(skip);
  for await (const batch of batches(files)) {
    if (signal?.aborted === true) break;
    const outcomes = await importBatch(batch, options);
    batch.forEach((file, index) => {
      const outcome = outcomes[index] ?? null;
      if ('reason' in file) return skip(file);
      if (outcome === null) return;
      report[outcome] += 1;
      notifyProgress(file.path, outcome);
    });
    await yieldToEventLoop();
  }
  return report;
}

/** Reads the files one after the other: only one transaction's files are in memory. */
async function* batches(paths: readonly string[]): AsyncGenerator<(FileContent | Skipped)[]> {
  let batch: (FileContent | Skipped)[] = [];
  let chars = 0;
  for (const path of paths) {
    const file = await readText(path);
    const length = 'reason' in file ? 0 : file.text.length;
    if (batch.length === batchFiles || (batch.length > 0 && chars + length > batchCharsMax)) {
      yield batch;
      batch = [];
      chars = 0;
    }
    batch.push(file);
    chars += length;
  }
  if (batch.length > 0) yield batch;
}

async function collectFiles(
  paths: readonly string[],
): Promise<{ files: string[]; missing: Skipped[] }> {
  const files = new Set<string>();
  const missing: Skipped[] = [];
  for (const path of paths.map((one) => resolve(one))) {
    try {
      if (!(await stat(path)).isDirectory()) {
        files.add(path);
        continue;
      }
      const names = await readdir(path, { recursive: true, withFileTypes: true });
      for (const entry of names) {
        const full = join(entry.parentPath, entry.name);
        const isHidden = full
          .slice(path.length)
          .split(/[\\/]/)
          .some((part) => part.startsWith('.'));
        if (entry.isFile() && !isHidden && isTextFile(entry.name)) files.add(full);
      }
    } catch (error) {
      missing.push({ path, reason: reasonOf(error) });
    }
  }
  return { files: [...files].sort(), missing };
}

async function readText(path: string): Promise<FileContent | Skipped> {
  try {
    if (!isTextFile(path)) return { path, reason: 'not a text or markdown file' };
    const { size } = await stat(path);
    if (size > fileBytesMax) return { path, reason: `larger than ${fileBytesMax} bytes` };
    const bytes = await readFile(path);
    const text = decodeText(bytes);
    if (text === null) return { path, reason: 'neither UTF-8, UTF-16 nor CP949 text' };
    if (text.trim() === '') return { path, reason: 'empty' };
    return { path, text, sha256: createHash('sha256').update(bytes).digest('hex') };
  } catch (error) {
    return { path, reason: reasonOf(error) };
  }
}

function reasonOf(error: unknown): string {
  switch ((error as { code?: string }).code) {
    case 'ENOENT':
      return 'does not exist';
    case 'EACCES':
    case 'EPERM':
      return 'may not be read';
    default:
      return messageOf(error);
  }
}

/** One transaction; null for a file that was skipped. */
const importBatch = (
  batch: readonly (FileContent | Skipped)[],
  { library, userId }: ImportOptions,
): Promise<(Exclude<FileOutcome, 'skipped'> | null)[]> =>
  library.commit(null, async (changes) => {
    const outcomes: (Exclude<FileOutcome, 'skipped'> | null)[] = [];
    for (const file of batch) {
      outcomes.push('reason' in file ? null : await importFile(file, library, userId, changes));
    }
    return outcomes;
  });

async function importFile(
  file: FileContent,
  library: Library,
  userId: string,
  changes: Changes,
): Promise<Exclude<FileOutcome, 'skipped'>> {
  const { path, text, sha256 } = file;
  const known = await changes.findFile(library.ownerOf(userId), path);
  const title = titleFromFile(path, text);
  const markdown = isMarkdown(path) ? text : undefined;
  if (known === null) {
    const metadata = { path, sha256 };
    await changes.add(
      library.newDocument(userId, { title, text, origin: 'file', markdown, metadata }),
    );
    return 'added';
  }
  if (isUnchanged(known, sha256)) return 'unchanged';
  await changes.replace(known, withFileContent(known, file, title, markdown));
  return 'updated';
}

const isUnchanged = ({ sourceMetadata, deletedAt }: Document, sha256: string): boolean =>
  sourceMetadata.sha256 === sha256 && deletedAt === null;

/** The document with the file's new text. A draft of the old text is dropped. */
function withFileContent(
  current: Document,
  file: FileContent,
  title: string,
  markdown: string | undefined,
): Document {
  const { needs_draft: _, drafted_at: __, ...metadata } = current.sourceMetadata;
  return {
    ...current,
    title,
    extractedText: file.text,
    mdContent: markdown ?? null,
    contentOrigin: 'file',
    mdDraftStatus: null,
    mdStatus: markdown === undefined ? null : 'success',
    mdExtractionEngine: markdown === undefined ? null : 'file',
    mdGeneratedAt: null,
    sourceMetadata: { ...metadata, path: file.path, sha256: file.sha256 },
    deletedAt: null,
  };
}

/** The title of a file: the first heading of markdown, else its name. macOS gives names decomposed. */
function titleFromFile(path: string, text: string): string {
  const heading = isMarkdown(path) ? /^#{1,3}\s+(.+?)\s*#*\s*$/m.exec(text.slice(0, 4000)) : null;
  return heading?.[1] ?? basename(path, extname(path)).normalize('NFC');
}

const isMarkdown = (path: string): boolean => /\.(?:md|markdown|mdown)$/i.test(path);

/** Files that an import takes. */
const isTextFile = (path: string): boolean =>
  isMarkdown(path) || /\.(?:txt|text|log|csv|rst|org|adoc)$/i.test(path);
