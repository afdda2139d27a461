/**
 * Configured words of one installation: the names that its users have for mail folders and model servers. They come
 * from the configuration, never from the rules themselves.
 */

export interface MailFolderWords {
  /** The `folder` parameter of the mail tool: a path, or the name of an account or provider. */
  folder: string;
  /** Korean or English; case and spaces do not matter. */
  words: readonly string[];
}

export interface CustomVocabulary {
  /** Default: none. Words common to all mailboxes (`kinds`) are always known. */
  mailFolders?: readonly MailFolderWords[] | undefined;
  /** Names of model servers, in addition to the common model families. */
  machines?: readonly string[] | undefined;
}

/** Normal form for comparison: lower case, NFC, no spaces. */
const normalizeWord = (word: string): string =>
  word
    .normalize('NFC')
    .toLowerCase()
    .replace(/[\s_]+/gu, '');

/** Common words for kinds of mailboxes; the first row that matches wins. */
const kinds: readonly { words: readonly string[]; folder: string | null }[] = [
  // No default folder: a mailbox for work has no usual name, so the word itself becomes the `folder`.
  { words: ['회사', '직장', '업무', 'work', 'company', 'office'], folder: null },
  { words: ['gmail', '지메일', '구글', 'google'], folder: 'Gmail' },
  { words: ['inbox', '개인', 'personal', 'private'], folder: 'INBOX' },
];

/** Whether the word is a common name for a mailbox; other words mean a folder only at some positions of a sentence. */
export const isMailboxWord = (word: string): boolean =>
  kinds.some((kind) => kind.words.includes(word));

/**
 * The folder of a word, or null; the word itself if several accounts use it for different folders: the mail tool
 * decides.
 */
function configuredFolder(rows: readonly MailFolderWords[], word: string): string | null {
  const folders = new Set(
    rows
      .filter((row) =>
        [row.folder, ...row.words].some((one) => normalizeWord(one) === normalizeWord(word)),
      )
      .map((row) => row.folder),
  );
  const [folder] = folders;
  return folders.size > 1 ? word : (folder ?? null);
}

/**
 * The folder for the first word that has one, or null. Configured words are tried first, in the order of the
 * configuration; then the common kinds, where a configured word of the same kind wins (회사 for "work").
 */
export function resolveFolder(
  words: readonly string[],
  rows: readonly MailFolderWords[] = [],
): string | null {
  for (const row of rows) {
    const rowWords = new Set([row.folder, ...row.words].map(normalizeWord));
    const match = words.find((word) => word !== '' && rowWords.has(normalizeWord(word)));
    if (match !== undefined) return configuredFolder(rows, match);
  }
  for (const kind of kinds) {
    const match = words.find((word) => kind.words.includes(normalizeWord(word)));
    if (match === undefined) continue;
    const same = kind.words.find((word) => configuredFolder(rows, word) !== null);
    return same === undefined ? (kind.folder ?? match) : configuredFolder(rows, same);
  }
  return null;
}

/** Model families with their Korean spellings. */
const families: Readonly<Record<string, readonly string[]>> = {
  gemma: ['젬마'],
  qwen: ['큐웬'],
  exaone: ['엑사원'],
  llama: ['라마'],
  mistral: ['미스트랄'],
  deepseek: ['딥시크'],
};

const commonMachines = ['gemma', 'qwen', 'exaone'].flatMap((name) => [name, ...families[name]!]);

/** Common families are always included: a user may ask about a model that is not installed. */
export const machineNames = ({ machines = [] }: CustomVocabulary): readonly string[] => [
  ...new Set([...machines, ...commonMachines]),
];

/** `exaone` of `exaone3.5:7.8b`, `gemma` of `mlx-community/gemma-4-26b`, with its spelling in Korean. */
export function familyNames(model: string): string[] {
  const family = /^[a-z]{3,}/.exec(model.toLowerCase().split('/').at(-1) ?? '')?.[0];
  return family === undefined ? [] : [family, ...(families[family] ?? [])];
}

const escapeRegExp = (word: string): string =>
  word.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&').replace(/[\s_]+/g, '[\\s_]*');

/** Pattern that matches any of the words as written, longest first; null if none is in Latin letters. */
export function latinPattern(words: readonly string[]): string | null {
  const latin = words.filter((word) => /^[\x20-\x7e]+$/.test(word) && /[a-z]/i.test(word));
  if (latin.length === 0) return null;
  const longest = latin.toSorted((left, right) => right.length - left.length);
  return `(?<![\\p{L}\\p{N}])(?:${longest.map((word) => escapeRegExp(word.toLowerCase())).join('|')})(?![\\p{L}\\p{N}])`;
}
