/**
 * Brings text and markdown files in as documents. A file is known by its path: importing it again updates
 * its document if the file has changed, and does nothing if it has not.
 *
 * 1. A file that cannot be read costs itself only, and is named with the reason.
 * 2. Files go in in batches, each in one transaction: what `done` counts is on disk.
 * 3. Whatever the files hold, the rest of the core goes on: between two batches, and while words are cut.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { messageOf } from '../lib/errors.ts';
import { othersTurn } from '../lib/others-turn.ts';
import type { Document } from './document.ts';
import type { Library } from './library.ts';
import { textOf } from '../lib/text-bytes.ts';
import { isMarkdown, isTextFile, titleOfFile } from './text-file.ts';

/** Largest file. A book in plain text has one megabyte; what is larger is data. */
const fileBytesMax = 8 * 1024 * 1024;

/**
 * Files and characters per transaction: one costs a flush to disk each, many hold the rest of the core up. A file
 * with more characters is alone in its transaction.
 */
const batchFiles = 32;
const batchCharsMax = 200_000;

export type FileOutcome = 'added' | 'updated' | 'unchanged' | 'skipped';

export interface ImportProgress {
  /** Files dealt with so far, this one included. */
  done: number;
  total: number;
  path: string;
  outcome: FileOutcome;
}

export interface ImportReport {
  added: number;
  updated: number;
  unchanged: number;
  skipped: { path: string; reason: string }[];
}

export interface ImportOptions {
  library: Library;
  /** Whose documents they become. */
  userId: string;
  onProgress?: (progress: ImportProgress) => void;
  /** Ends the import between two batches; what is in stays in. */
  signal?: AbortSignal;
}

interface ReadFile {
  path: string;
  text: string;
  sha256: string;
}

type Skipped = { path: string; reason: string };

/** Imports files and folders; in folders all text files at any depth, hidden ones left out. */
export async function importFiles(
  paths: readonly string[],
  options: ImportOptions,
): Promise<ImportReport> {
  const { library, userId, onProgress, signal } = options;
  const report: ImportReport = { added: 0, updated: 0, unchanged: 0, skipped: [] };
  const { files, missing } = await collect(paths);
  const total = files.length + missing.length;
  let done = 0;
  const tell = (path: string, outcome: FileOutcome): void => {
    done += 1;
    onProgress?.({ done, total, path, outcome });
  };
  const skip = (skipped: Skipped): void => {
    report.skipped.push(skipped);
    tell(skipped.path, 'skipped');
  };

  missing.forEach(skip);
  for await (const batch of batches(files)) {
    if (signal?.aborted === true) break;
    const texts = batch.flatMap((file) =>
      'reason' in file || isKnown(file, library, userId) ? [] : [file.text],
    );
    const outcomes = await library.ahead(texts, () =>
      library.together(() =>
        batch.map((file) => ('reason' in file ? null : bringIn(file, library, userId))),
      ),
    );
    batch.forEach((file, index) => {
      const outcome = outcomes[index] ?? null;
      if ('reason' in file) return skip(file);
      if (outcome === null) return;
      report[outcome] += 1;
      tell(file.path, outcome);
    });
    await othersTurn();
  }
  return report;
}

/** The files, read one after the other: no more of them are in memory than go into one transaction. */
async function* batches(paths: readonly string[]): AsyncGenerator<(ReadFile | Skipped)[]> {
  let batch: (ReadFile | Skipped)[] = [];
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

async function collect(paths: readonly string[]): Promise<{ files: string[]; missing: Skipped[] }> {
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

async function readText(path: string): Promise<ReadFile | Skipped> {
  try {
    if (!isTextFile(path)) return { path, reason: 'not a text or markdown file' };
    const { size } = await stat(path);
    if (size > fileBytesMax) return { path, reason: `larger than ${fileBytesMax} bytes` };
    const bytes = await readFile(path);
    const text = textOf(bytes);
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

function bringIn(
  file: ReadFile,
  library: Library,
  userId: string,
): Exclude<FileOutcome, 'skipped'> {
  const { path, text, sha256 } = file;
  const known = library.findFile(userId, path);
  const title = titleOfFile(path, text);
  const markdown = isMarkdown(path) ? text : undefined;
  if (known === null) {
    library.create(userId, { title, text, origin: 'file', markdown, metadata: { path, sha256 } });
    return 'added';
  }
  if (isUnchanged(known, sha256)) return 'unchanged';
  library.change(userId, known.id, (current) => renewed(current, file, title, markdown));
  return 'updated';
}

const isKnown = ({ path, sha256 }: ReadFile, library: Library, userId: string): boolean => {
  const known = library.findFile(userId, path);
  return known !== null && isUnchanged(known, sha256);
};

const isUnchanged = ({ sourceMetadata, deletedAt }: Document, sha256: string): boolean =>
  sourceMetadata.sha256 === sha256 && deletedAt === null;

/** The document with the file's new text. A draft of the old text is no draft of this one. */
function renewed(
  current: Document,
  file: ReadFile,
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
