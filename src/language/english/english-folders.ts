/** Finds a configured word for a mail folder in an English clause, where the clause uses it as a folder. */
import { resolveFolder, latinPattern, type MailFolderWords } from '../rules/custom-vocabulary.ts';
import { folderPlaceholder } from '../token-types.ts';

/** The last lookahead excludes the verb, as in "did alice email me". */
const mailNoun =
  '(?: (?:account|folder|new|unread|latest|recent|important|unanswered)){0,2} (?:e-?mails?|mails?|inbox|mailbox|messages?|account|folder)(?![\\p{L}\\p{N}]| (?:me|us|you)\\b)';
/** What may follow "in receipts": the end of the clause, a date, or a further part of the question. */
const tailEnd =
  '(?=[\\s?.!]*$| ?[\\ue000\\ue001]| (?:from|about|since|on|for|please|that|which)\\b)';

interface MaskedFolder {
  text: string;
  folder: string | null;
}

/** Masks a folder word before a mail noun or after in or on. Elsewhere it is a sender or a search word. */
export function maskFolder(masked: string, rows: readonly MailFolderWords[] = []): MaskedFolder {
  const words = latinPattern(rows.flatMap((row) => [row.folder, ...row.words]));
  if (words === null) return { text: masked, folder: null };
  const folderPattern = new RegExp(
    `${words}(?=${mailNoun})|(?<=(?:^|\\s)(?:in|on) (?:(?:my|our|the) )?)${words}${tailEnd}`,
    'u',
  );
  const match = folderPattern.exec(masked);
  if (match === null) return { text: masked, folder: null };
  const end = match.index + match[0].length;
  return {
    text:
      masked.slice(0, match.index) +
      folderPlaceholder +
      masked.slice(end).replace(/^ folder\b/u, ''),
    folder: resolveFolder([match[0]], rows),
  };
}
