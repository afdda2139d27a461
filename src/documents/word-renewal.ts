/**
 * Brings the words of documents that an earlier version indexed to their present form, in the background.
 *
 * 1. The backlog is in the database, and a document leaves it in the transaction that writes its new words: a restart
 *    goes on where it was.
 * 2. Until its turn a document is found by its old words; a question asks for these too (`looseMatch`).
 * 3. Some documents at a time, long ones in slices: others have their turn in between.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../lib/errors.ts';
import { othersTurn } from '../lib/others-turn.ts';
import type { Document } from './document.ts';
import type { DocumentStorage } from './document-port.ts';
import type { WordCutter } from './word-cutter.ts';

/** Documents per transaction. */
const batchMax = 50;
/** Characters that are looked at in one go: some milliseconds. */
const batchCharsMax = 100_000;
/** After a fault, such as a full disk. */
const retryMs = 60_000;

/** What the index had otherwise in its first version: accents, invisible characters, names that end in signs. */
const changedForms =
  /[\u00ad\u00c0-\u024f\u1e00-\u1eff\u200b-\u200d\u2060\ufeff]|\p{Mn}|[a-z\uff21-\uff3a\uff41-\uff5a][+#\uff0b\uff03]/iu;

type RenewalStorage = Pick<DocumentStorage, 'outdated' | 'renew' | 'find' | 'together'>;

/** Renews some documents. Resolves with whether there may be more. */
export async function renewSome(storage: RenewalStorage, cutter: WordCutter): Promise<boolean> {
  const ids = storage.outdated(batchMax);
  const same: string[] = [];
  let chars = 0;
  for (const id of ids) {
    const document = storage.find(id);
    const texts = [document?.title ?? '', document?.extractedText ?? '', document?.mdContent ?? ''];
    chars += texts.reduce((sum, text) => sum + text.length, 0);
    if (texts.some((text) => changedForms.test(text))) {
      await cutter.ahead(texts, () => renew(storage, cutter, id));
    } else same.push(id);
    if (chars > batchCharsMax) break;
  }
  storage.together(() => {
    for (const id of same) storage.renew(id, undefined);
  });
  return ids.length > 0;
}

/** Reads it again: it may have changed while its words were cut. */
function renew(storage: RenewalStorage, cutter: WordCutter, id: string): void {
  storage.together(() => {
    const current: Document | null = storage.find(id);
    storage.renew(id, current === null ? undefined : cutter.wordsOf(current));
  });
}

export interface RenewalOptions {
  /** Renews some; resolves with whether there may be more. */
  renewSome(): Promise<boolean>;
  onFault(reason: string): void;
}

/** Begins at once, and ends by itself when all are renewed. Returns how to end it before. */
export function startWordRenewal({
  renewSome: some,
  onFault,
}: RenewalOptions): () => Promise<void> {
  const stopping = new AbortController();
  const { signal } = stopping;
  const running = (async () => {
    while (!signal.aborted) {
      try {
        if (!(await some())) return;
        await othersTurn();
      } catch (error) {
        onFault(messageOf(error));
        await sleep(retryMs, null, { signal, ref: false }).catch(() => null);
      }
    }
  })();
  return async () => {
    stopping.abort();
    await running;
  };
}
