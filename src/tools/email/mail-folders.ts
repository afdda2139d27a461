/** Which folders of an account a word means. */
import type { ListResponse } from 'imapflow';
import { folded } from '../plain-text.ts';
import { providerOf } from './mail-providers.ts';
import type { MailAccount } from './mail-port.ts';

/** What people call the folders that every account has, by their special use (RFC 6154). */
const specialWords: Readonly<Record<string, readonly string[]>> = {
  '\\Inbox': ['inbox', '받은편지함', '받은 편지함', '받은메일함', '받은 메일함'],
  '\\Sent': ['sent', '보낸편지함', '보낸 편지함', '보낸메일함', '보낸 메일함', '보낸 메일', '보낸'],
  '\\Drafts': ['drafts', 'draft', '임시보관함', '임시 보관함', '임시보관'],
  '\\Junk': ['junk', 'spam', '스팸', '스팸함', '스팸메일함'],
  '\\Trash': ['trash', 'bin', '휴지통', '지운편지함'],
  '\\Archive': ['archive', '보관함', '아카이브'],
};

const inbox = 'INBOX';

/** 네이버 웍스 is 네이버웍스. */
const spelled = (word: string): string => folded(word).replaceAll(' ', '');

/** Whether the word is a name of the account: its own, or that of its provider. */
export function namesAccount(account: MailAccount, word: string): boolean {
  const name = folded(word);
  if (name === folded(account.name)) return true;
  if (name.length < 3 || name === folded(inbox)) return false;
  const provider = providerOf(account);
  if (provider !== undefined) {
    if ([provider.name, ...provider.words].some((one) => spelled(one) === spelled(word)))
      return true;
  }
  const domain = account.username.split('@')[1] ?? '';
  return [account.host, domain].some((host) => folded(host).split('.').includes(name));
}

/** Whether one of the configured folders has this name. */
export const namesFolder = (account: MailAccount, word: string): boolean =>
  configured(account, word) !== undefined;

const configured = (account: MailAccount, word: string) =>
  account.folders?.find((folder) =>
    [folder.path, ...folder.words].some((one) => folded(one) === folded(word)),
  );

/** The folders of the account to search; empty where it has none of this name. */
export function foldersOf(
  account: MailAccount,
  word: string | null,
  list: readonly ListResponse[],
): string[] {
  const usual = [inbox, ...(account.folders ?? []).map((folder) => folder.path)];
  if (word === null) return [...new Set(usual)];
  const named = configured(account, word);
  if (named !== undefined) return [named.path];
  const name = folded(word);
  const special = Object.entries(specialWords).find(([, words]) => words.includes(name))?.[0];
  if (special === '\\Inbox') return [inbox];
  const found = list.filter(
    (folder) =>
      (special !== undefined && folder.specialUse === special) ||
      folded(folder.path) === name ||
      folded(folder.name) === name,
  );
  if (found.length > 0) return found.map((folder) => folder.path);
  return namesAccount(account, word) ? [...new Set(usual)] : [];
}

/** Names that could be asked for. */
export const folderNames = (account: MailAccount, list: readonly ListResponse[]): string[] => [
  ...(account.folders ?? []).map((folder) => folder.words[0] ?? folder.path),
  ...list.filter((folder) => !folder.flags.has('\\Noselect')).map((folder) => folder.path),
];
