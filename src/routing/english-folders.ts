/** Words of this home for a mail folder, where an English clause uses them as one. */
import { folderOf, latinPattern, type MailFolderWords } from './home-words.ts';
import { folderMark } from './word-classes.ts';

/** "Did alice email me" has a verb there. */
const mailNoun =
  '(?: (?:account|folder|new|unread|latest|recent|important|unanswered)){0,2} (?:e-?mails?|mails?|inbox|mailbox|messages?|account|folder)(?![\\p{L}\\p{N}]| (?:me|us|you)\\b)';
/** What ends "in receipts": the clause, a date, or a further part of the question. */
const tailEnd =
  '(?=[\\s?.!]*$| ?[\\ue000\\ue001]| (?:from|about|since|on|for|please|that|which)\\b)';

interface Marked {
  text: string;
  folder: string | null;
}

/**
 * Replaces the first word that means a folder by its mark: in front of a mail noun ("team inbox"), or behind
 * "in" or "on" ("in receipts"). Elsewhere the same word is a sender or what is sought, and stays.
 */
export function markFolder(masked: string, rows: readonly MailFolderWords[] = []): Marked {
  const words = latinPattern(rows.flatMap((row) => [row.folder, ...row.words]));
  if (words === null) return { text: masked, folder: null };
  const place = new RegExp(
    `${words}(?=${mailNoun})|(?<=(?:^|\\s)(?:in|on) (?:(?:my|our|the) )?)${words}${tailEnd}`,
    'u',
  );
  const said = place.exec(masked);
  if (said === null) return { text: masked, folder: null };
  const end = said.index + said[0].length;
  return {
    text: masked.slice(0, said.index) + folderMark + masked.slice(end).replace(/^ folder\b/u, ''),
    folder: folderOf([said[0]], rows),
  };
}
