/** Texts of an SQLite file in the form that PostgreSQL can store, with the number of characters that had to change. */
import { isUtf8 } from 'node:buffer';
import { storableText } from '../postgres/storable-text.ts';

export interface CopiedText {
  text: string;
  /** Characters that became U+FFFD. */
  changed: number;
}

/** U+0000 and bytes that are not UTF-8 become U+FFFD. */
export function copiedText(bytes: Buffer): CopiedText {
  if (isUtf8(bytes) && !bytes.includes(0)) return { text: bytes.toString(), changed: 0 };
  const text = storableText(bytes.toString());
  const before = isUtf8(bytes) ? marksIn(bytes.toString()) : marksInValid(bytes);
  return { text, changed: marksIn(text) - before };
}

/** As `copiedText`, also for what is written as an escape in JSON. */
export function copiedJson(bytes: Buffer): CopiedText {
  const { text, changed } = copiedText(bytes);
  if (!/\\u(?:0000|d[89a-f][0-9a-f]{2})/i.test(text)) return { text, changed };
  try {
    const json = JSON.stringify(storableValue(JSON.parse(text)));
    const more = marksIn(json) - marksIn(JSON.stringify(JSON.parse(text)));
    // Written again only if needed: the order of keys and the form of numbers stay.
    return more === 0 ? { text, changed } : { text: json, changed: changed + more };
  } catch {
    return { text, changed };
  }
}

function storableValue(value: unknown): unknown {
  if (typeof value === 'string') return storableText(value);
  if (Array.isArray(value)) return value.map(storableValue);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [storableText(name), storableValue(item)]),
  );
}

const marksIn = (text: string): number => text.split('\u{FFFD}').length - 1;

/** Replacement characters that the text had itself. */
const marksInValid = (bytes: Buffer): number =>
  bytes.toString('latin1').split('\u00ef\u00bf\u00bd').length - 1;
