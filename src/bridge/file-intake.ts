/** Fetches the file of a message from the NAS and makes its text part of what is submitted, or says why not. */
import type { BridgeStorage, InboxRow, NewOutboxRow } from '../contract/bridge-storage.ts';
import type { Log } from '../lib/log.ts';
import { localeOf, textsOf, type Locale } from '../../machines/texts.ts';
import { createFileReader } from './file-text.ts';
import type { NasClient, NasFile } from './nas-client.ts';
import { ownWords } from './own-words.ts';
import type { Target, Targets } from './targets.ts';

export interface FileIntakeParts {
  storage: Pick<BridgeStorage, 'keepAttachment' | 'markFileTried'>;
  nas: NasClient;
  targets: Targets;
  say(row: NewOutboxRow): void;
  locale: Locale | 'auto';
  now(): number;
  log: Log;
}

const megabyte = 1024 ** 2;
/** A text this long is a book. */
const fileMegabytesMax = 10;
/** A message to the core has 64 KiB, its other fields and the escapes of JSON included. */
const bodyBytesMax = 56 * 1024;
const triesMax = 3;
const retryMs = 1_000;

/** The row as it is to be submitted. An empty text: there is nothing to submit, and the person knows why. */
export function createFileIntake(parts: FileIntakeParts): (row: InboxRow) => Promise<InboxRow> {
  const { storage, nas, targets, say, now, log } = parts;
  const read = createFileReader();
  return async (row) => {
    const target = targets.byName(row.target);
    const file = row.file;
    if (file === null) return row;
    const fetched = target === null ? gone : await fetchFile(nas, target, file.postId);
    const name = nameOf(fetched, file.name);
    const locale = parts.locale === 'auto' ? localeOf(row.text || name) : parts.locale;
    const texts = textsOf(locale);
    const keep = (attachment: InboxRow['attachment'], text: string): InboxRow => {
      storage.keepAttachment(row.id, attachment, text);
      return { ...row, attachment, text, file: null };
    };
    const without = (words: string, text = row.text): InboxRow => {
      say(ownWords(row, `file-${row.id}`, 'error', words, now()));
      return keep(null, text);
    };
    switch (fetched.kind) {
      case 'none':
        // It only looked like the name of a file.
        return keep(null, row.text || (file.name ?? ''));
      case 'tooLarge':
        return without(texts.fileTooLarge(name, fileMegabytesMax));
      case 'refused':
        log.warn({ key: row.key, error: fetched.error }, 'the NAS refused a file');
        // Nobody knows whether there is one: a question may end in the name of a file, and wants its answer.
        return without(texts.fileAway(name), row.text || (file.name ?? ''));
      case 'away':
        log.warn({ key: row.key, error: fetched.error }, 'a file could not be fetched');
        return without(texts.fileAway(name));
      case 'file': {
        const message = row.text || texts.fileQuestion(name);
        if (file.isTried === true) {
          log.warn({ key: row.key }, 'the process ended over a file: it is not read again');
          return without(texts.fileUnreadable(name));
        }
        const content = await read(fetched.bytes, roomFor(message), () =>
          storage.markFileTried(row.id),
        );
        if (!content.ok) {
          const isEmpty = content.why === 'empty';
          return without(isEmpty ? texts.fileEmpty(name) : texts.fileUnreadable(name));
        }
        const text = fitted(content.text, message);
        const chars = Array.from(text).length;
        const isCut = content.isCut || text.length < content.text.length;
        const words = [
          ...(content.isPartial ? [texts.filePartial(name)] : []),
          ...(isCut ? [texts.fileCut(name, chars)] : []),
        ];
        if (words.length > 0) {
          say(ownWords(row, `file-${row.id}`, 'notice', words.join('\n'), now()));
        }
        return keep({ name, text }, message);
      }
    }
  };
}

const gone: NasFile = { kind: 'away', error: 'its place is not configured any more' };

async function fetchFile(nas: NasClient, target: Target, postId: string): Promise<NasFile> {
  for (let tries = 1; ; tries += 1) {
    const file = await nas.file(target, postId, fileMegabytesMax * megabyte);
    const isOver = file.kind !== 'away' && file.kind !== 'refused';
    if (isOver || tries === triesMax) return file;
    await new Promise((resolve) => setTimeout(resolve, retryMs * tries));
  }
}

const nameOf = (file: NasFile, hint: string | null): string => {
  const name = (file.kind === 'file' ? file.name : null) ?? hint ?? 'file';
  return (
    name
      .replaceAll(/[\p{Cc}"]/gu, ' ')
      .trim()
      .slice(0, 200)
      .toWellFormed() || 'file'
  );
};

/** No character takes less than a byte. */
const roomFor = (message: string): number =>
  Math.max(1_000, bodyBytesMax - Buffer.byteLength(JSON.stringify(message)));

function fitted(text: string, message: string): string {
  const room = roomFor(message);
  let chars = Array.from(text);
  while (chars.length > 1 && Buffer.byteLength(JSON.stringify(chars.join(''))) > room) {
    chars = chars.slice(0, Math.floor(chars.length * 0.9));
  }
  return chars.join('');
}
