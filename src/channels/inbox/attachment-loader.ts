/** Fetches the file of a message from the chat and adds its text to the message, or notifies the user why not. */
import type { BridgeStorage, InboxRow, NewOutboxRow } from '../bridge-storage-port.ts';
import type { Log } from '#shared/log';
import { localeOf, textsOf, type Locale } from '#machines/texts';
import { createFileReader } from './file-text.ts';
import type { ChannelAdapter, ChannelFile } from '../channel-adapter-port.ts';
import { createSystemNotice } from '../system-notices.ts';
import type { ChannelTarget } from '../targets.ts';

export interface AttachmentLoaderParts {
  storage: Pick<BridgeStorage, 'saveAttachment' | 'markFileTried'>;
  adapter: Pick<ChannelAdapter, 'abilities' | 'targets' | 'fetchFile'>;
  say(row: NewOutboxRow): void;
  locale: Locale | 'auto';
  now(): number;
  log: Log;
}

const megabyte = 1024 ** 2;
/** Far more text than a message can carry. */
const usualMegabytesMax = 10;
/** The core accepts 64 KiB per message, other fields and JSON escapes included. */
const bodyBytesMax = 56 * 1024;
const triesMax = 3;
const retryMs = 1_000;

/** Returns the row to submit. With an empty text there is nothing to submit, and the user has been notified. */
export function createAttachmentLoader(
  parts: AttachmentLoaderParts,
): (row: InboxRow) => Promise<InboxRow> {
  const { storage, adapter, say, now, log } = parts;
  const read = createFileReader();
  return async (row) => {
    const target = adapter.targets.byName(row.target);
    const file = row.file;
    if (file === null) return row;
    const fetched = target === null ? targetRemoved : await fetchFile(adapter, target, file.postId);
    const name = nameOf(fetched, file.name);
    const locale = parts.locale === 'auto' ? localeOf(row.text || name) : parts.locale;
    const texts = textsOf(locale);
    const keep = (attachment: InboxRow['attachment'], text: string): InboxRow => {
      storage.saveAttachment(row.id, attachment, text);
      return { ...row, attachment, text, file: null };
    };
    const withoutFile = (words: string, text = row.text): InboxRow => {
      say(createSystemNotice(row, `file-${row.id}`, 'error', words, now()));
      return keep(null, text);
    };
    switch (fetched.kind) {
      case 'none':
        // The text only looked like a file name.
        return keep(null, row.text || (file.name ?? ''));
      case 'tooLarge':
        return withoutFile(texts.fileTooLarge(name, megabytesMaxOf(adapter)));
      case 'refused':
        log.warn({ key: row.key, error: fetched.error }, 'the chat refused a file');
        // It is unknown whether there is a file: a question may end in a file name, and still needs its answer.
        return withoutFile(texts.fileAway(name), row.text || (file.name ?? ''));
      case 'away':
        log.warn({ key: row.key, error: fetched.error }, 'a file could not be fetched');
        return withoutFile(texts.fileAway(name));
      case 'file': {
        const message = row.text || texts.fileQuestion(name);
        if (file.isTried === true) {
          log.warn({ key: row.key }, 'the process ended over a file: it is not read again');
          return withoutFile(texts.fileUnreadable(name));
        }
        const content = await read(fetched.bytes, roomFor(message), () =>
          storage.markFileTried(row.id),
        );
        if (!content.ok) {
          const isEmpty = content.why === 'empty';
          return withoutFile(isEmpty ? texts.fileEmpty(name) : texts.fileUnreadable(name));
        }
        const text = truncateToFit(content.text, message);
        const chars = Array.from(text).length;
        const isCut = content.isCut || text.length < content.text.length;
        const words = [
          ...(content.isPartial ? [texts.filePartial(name)] : []),
          ...(isCut ? [texts.fileCut(name, chars)] : []),
        ];
        if (words.length > 0) {
          say(createSystemNotice(row, `file-${row.id}`, 'notice', words.join('\n'), now()));
        }
        return keep({ name, text }, message);
      }
    }
  };
}

const noFiles: ChannelFile = { kind: 'none' };
const targetRemoved: ChannelFile = { kind: 'away', error: 'its place is not configured any more' };

const megabytesMaxOf = ({ abilities }: AttachmentLoaderParts['adapter']): number =>
  abilities.fileMegabytesMax ?? usualMegabytesMax;

async function fetchFile(
  adapter: AttachmentLoaderParts['adapter'],
  target: ChannelTarget,
  postId: string,
): Promise<ChannelFile> {
  const bytesMax = megabytesMaxOf(adapter) * megabyte;
  for (let tries = 1; ; tries += 1) {
    const file = (await adapter.fetchFile?.(target, postId, bytesMax)) ?? noFiles;
    const isOver = file.kind !== 'away' && file.kind !== 'refused';
    if (isOver || tries === triesMax) return file;
    await new Promise((resolve) => setTimeout(resolve, retryMs * tries));
  }
}

const nameOf = (file: ChannelFile, hint: string | null): string => {
  const name = (file.kind === 'file' ? file.name : null) ?? hint ?? 'file';
  return (
    name
      .replaceAll(/[\p{Cc}"]/gu, ' ')
      .trim()
      .slice(0, 200)
      .toWellFormed() || 'file'
  );
};

/** Bytes left for the file; also a bound for its characters, which take at least one byte each. */
const roomFor = (message: string): number =>
  Math.max(1_000, bodyBytesMax - Buffer.byteLength(JSON.stringify(message)));

function truncateToFit(text: string, message: string): string {
  const room = roomFor(message);
  let chars = Array.from(text);
  while (chars.length > 1 && Buffer.byteLength(JSON.stringify(chars.join(''))) > room) {
    chars = chars.slice(0, Math.floor(chars.length * 0.9));
  }
  return chars.join('');
}
