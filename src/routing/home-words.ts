/**
 * Words of one home: what its people call their mail folders and their model servers. They come from the
 * configuration, never from the rules themselves.
 */

/** Words that mean one folder or one account of the mailboxes. */
export interface MailFolderWords {
  /** What the mail tool is asked for: a path, or the name of an account or provider. */
  folder: string;
  /** Korean or English; case and spaces do not matter. */
  words: readonly string[];
}

export interface HomeWords {
  /** Default: none; the words that every mailbox shares are known without it. */
  mailFolders?: readonly MailFolderWords[] | undefined;
  /** Names of model servers, beside the families of common local models. */
  machines?: readonly string[] | undefined;
}

/** One spelling for comparing: lower case, one form of Unicode, no spaces. */
const joined = (word: string): string =>
  word
    .normalize('NFC')
    .toLowerCase()
    .replace(/[\s_]+/gu, '');

/** Words that people use for the same kind of mailbox; the first row that is said wins. */
const kinds: readonly { words: readonly string[]; folder: string | null }[] = [
  // No folder by default: a mailbox for work has no usual name, so the word itself is asked for.
  { words: ['회사', '직장', '업무', 'work', 'company', 'office'], folder: null },
  { words: ['gmail', '지메일', '구글', 'google'], folder: 'Gmail' },
  { words: ['inbox', '개인', 'personal', 'private'], folder: 'INBOX' },
];

/** Whether every mailbox may be called so; other words are a folder only in some places of a sentence. */
export const isMailboxWord = (word: string): boolean =>
  kinds.some((kind) => kind.words.includes(word));

/** The one folder of a word; the word itself where several accounts use it, so that the tool can tell them apart. */
function configured(rows: readonly MailFolderWords[], word: string): string | null {
  const folders = new Set(
    rows
      .filter((row) => [row.folder, ...row.words].some((one) => joined(one) === joined(word)))
      .map((row) => row.folder),
  );
  const [folder] = folders;
  return folders.size > 1 ? word : (folder ?? null);
}

/**
 * The folder that one of the words means, or null. Configured words are tried first, in the order of the
 * configuration; then the kinds, where a configured word of the same kind counts (회사 for "work").
 */
export function folderOf(
  words: readonly string[],
  rows: readonly MailFolderWords[] = [],
): string | null {
  for (const row of rows) {
    const own = new Set([row.folder, ...row.words].map(joined));
    const said = words.find((word) => word !== '' && own.has(joined(word)));
    if (said !== undefined) return configured(rows, said);
  }
  for (const kind of kinds) {
    const said = words.find((word) => kind.words.includes(joined(word)));
    if (said === undefined) continue;
    const same = kind.words.find((word) => configured(rows, word) !== null);
    return same === undefined ? (kind.folder ?? said) : configured(rows, same);
  }
  return null;
}

/** Model families as people write them. */
const families: Readonly<Record<string, readonly string[]>> = {
  gemma: ['젬마'],
  qwen: ['큐웬'],
  exaone: ['엑사원'],
  llama: ['라마'],
  mistral: ['미스트랄'],
  deepseek: ['딥시크'],
};

const commonMachines = ['gemma', 'qwen', 'exaone'].flatMap((name) => [name, ...families[name]!]);

/** The families are known everywhere, as the names of mail providers are: a person may ask for a model that is not there. */
export const machineNames = ({ machines = [] }: HomeWords): readonly string[] => [
  ...new Set([...machines, ...commonMachines]),
];

/** `exaone` of `exaone3.5:7.8b`, `gemma` of `mlx-community/gemma-4-26b`, with its spelling in Korean. */
export function familyNames(model: string): string[] {
  const family = /^[a-z]{3,}/.exec(model.toLowerCase().split('/').at(-1) ?? '')?.[0];
  return family === undefined ? [] : [family, ...(families[family] ?? [])];
}

const escaped = (word: string): string =>
  word.replace(/[.*+?^${}()|[\]\\/-]/g, '\\$&').replace(/[\s_]+/g, '[\\s_]*');

/** Matches one of the words as written, longest first; null where there is none in Latin letters. */
export function latinPattern(words: readonly string[]): string | null {
  const latin = words.filter((word) => /^[\x20-\x7e]+$/.test(word) && /[a-z]/i.test(word));
  if (latin.length === 0) return null;
  const longest = latin.toSorted((left, right) => right.length - left.length);
  return `(?<![\\p{L}\\p{N}])(?:${longest.map((word) => escaped(word.toLowerCase())).join('|')})(?![\\p{L}\\p{N}])`;
}
