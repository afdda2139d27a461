/**
 * Reindexes documents that an earlier version indexed, in the background.
 *
 * 1. The backlog is in the database, and a document leaves it in the transaction that writes its new tokens: after a
 *    restart the work continues.
 * 2. Until it is reindexed, a document is found by its old tokens; queries ask for these too (`relaxedQuery`).
 * 3. Works in small batches, long texts in slices, and yields to the event loop in between.
 */
import { setImmediate as yieldToEventLoop } from 'node:timers/promises';
import { abortableSleep } from '#shared/abortable-sleep';
import { messageOf } from '#shared/errors';
import type { Document } from '../document.ts';
import type { DocumentStorage } from '../document-port.ts';
import type { CommitChanges } from '../library-changes.ts';

/** Documents per transaction. */
const batchMax = 50;
/** Characters that are checked in one batch: some milliseconds. */
const batchCharsMax = 100_000;
/** Delay after an error, such as a full disk. */
const retryMs = 60_000;

/** What the first version of the index kept in another form: accents, invisible characters, names that end in signs. */
const changedForms =
  /[\u00ad\u00c0-\u024f\u1e00-\u1eff\u200b-\u200d\u2060\ufeff]|\p{Mn}|[a-z\uff21-\uff3a\uff41-\uff5a][+#\uff0b\uff03]/iu;

/** Reindexes some documents. Resolves with whether there may be more. */
export async function reindexBatch(
  storage: Pick<DocumentStorage, 'outdatedIndex' | 'find'>,
  commit: CommitChanges,
): Promise<boolean> {
  const outdated = await storage.outdatedIndex(batchMax);
  const same: string[] = [];
  let chars = 0;
  for (const { id, hasTokens } of outdated) {
    const document = await storage.find(id);
    chars += textsOf(document).reduce((sum, text) => sum + text.length, 0);
    if (!hasTokens || isOutdated(document)) await reindex(commit, [id], false);
    else same.push(id);
    if (chars > batchCharsMax) break;
  }
  await reindex(commit, same, true);
  return outdated.length > 0;
}

/** One transaction. Reads the documents again: they may have changed meanwhile. */
const reindex = (
  commit: CommitChanges,
  ids: readonly string[],
  haveTokens: boolean,
): Promise<void> =>
  commit(null, async (changes) => {
    for (const id of ids) {
      const document = await changes.find(id);
      if (document !== null) await changes.reindex(document, haveTokens && !isOutdated(document));
    }
  });

const textsOf = (document: Document | null): string[] =>
  document === null ? [] : [document.title, document.extractedText, document.mdContent ?? ''];

const isOutdated = (document: Document | null): boolean =>
  textsOf(document).some((text) => changedForms.test(text));

export interface ReindexerOptions {
  /** Reindexes some documents; resolves with whether there may be more. */
  reindexBatch(): Promise<boolean>;
  onError(reason: string): void;
}

/** Starts at once, and ends by itself when all are reindexed. Returns a function that stops it before. */
export function startReindexer({
  reindexBatch: some,
  onError: onFault,
}: ReindexerOptions): () => Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const running = (async () => {
    while (!signal.aborted) {
      try {
        if (!(await some())) return;
        await yieldToEventLoop();
      } catch (error) {
        onFault(messageOf(error));
        await abortableSleep(retryMs, signal, { ref: false });
      }
    }
  })();
  return async () => {
    stopping.abort();
    await running;
  };
}
