/** Resolves the user's word for a folder to the folders of an account. */
import type { ListResponse } from 'imapflow';
import { foldCase } from '../sanitize-text.ts';
import type { MailAccount } from './mail-port.ts';

/** Common names of the large mail providers, by the domains of their servers. */
interface MailProvider {
  /** Name of the provider in the rules and the mail tool. */
  name: string;
  domains: readonly string[];
  words: readonly string[];
}

const providers: readonly MailProvider[] = [
  ['Gmail', 'gmail.com|googlemail.com', 'gmail|지메일|구글|google'],
  ['Naver Works', 'worksmobile.com', 'naver works|네이버웍스|네이버 웍스'],
  ['Naver', 'naver.com', 'naver|네이버'],
  ['Daum', 'daum.net|hanmail.net', 'daum|hanmail|다음메일|한메일'],
  ['Kakao', 'kakao.com', 'kakao|카카오'],
  ['Nate', 'nate.com', 'nate|네이트'],
  ['Outlook', 'outlook.com|office365.com|hotmail.com|live.com', 'outlook|hotmail|아웃룩|핫메일'],
  ['Yahoo', 'yahoo.com', 'yahoo|야후'],
  ['iCloud', 'mail.me.com|icloud.com|me.com', 'icloud|아이클라우드'],
  ['Fastmail', 'fastmail.com', 'fastmail'],
  ['GMX', 'gmx.net|gmx.com|gmx.de', 'gmx'],
].map(([name = '', domains = '', words = '']) => ({
  name,
  domains: domains.split('|'),
  words: words.split('|'),
}));

const isIn = (host: string, domain: string): boolean =>
  host === domain || host.endsWith(`.${domain}`);

/** The provider of an account, by its host, then by the domain of its user name; undefined for any other server. */
export function providerOf(account: { host: string; username: string }): MailProvider | undefined {
  const hosts = [account.host, account.username.split('@')[1] ?? ''].map((host) =>
    host.toLowerCase(),
  );
  for (const host of hosts) {
    const found = providers.find(({ domains }) => domains.some((domain) => isIn(host, domain)));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Users' names for the folders that every account has, by special use (RFC 6154). */
const specialWords: Readonly<Record<string, readonly string[]>> = {
  '\\Inbox': ['inbox', '받은편지함', '받은 편지함', '받은메일함', '받은 메일함'],
  '\\Sent': ['sent', '보낸편지함', '보낸 편지함', '보낸메일함', '보낸 메일함', '보낸 메일', '보낸'],
  '\\Drafts': ['drafts', 'draft', '임시보관함', '임시 보관함', '임시보관'],
  '\\Junk': ['junk', 'spam', '스팸', '스팸함', '스팸메일함'],
  '\\Trash': ['trash', 'bin', '휴지통', '지운편지함'],
  '\\Archive': ['archive', '보관함', '아카이브'],
};

const inbox = 'INBOX';

/** 네이버 웍스 and 네이버웍스 are the same name. */
const normalizeName = (word: string): string => foldCase(word).replaceAll(' ', '');

/** Whether the word is a name of the account: its own name, its provider, or a part of its host or mail domain. */
export function isAccountName(account: MailAccount, word: string): boolean {
  const name = foldCase(word);
  if (name === foldCase(account.name)) return true;
  if (name.length < 3 || name === foldCase(inbox)) return false;
  const provider = providerOf(account);
  if (provider !== undefined) {
    if (
      [provider.name, ...provider.words].some((one) => normalizeName(one) === normalizeName(word))
    )
      return true;
  }
  const domain = account.username.split('@')[1] ?? '';
  return [account.host, domain].some((host) => foldCase(host).split('.').includes(name));
}

export const isFolderName = (account: MailAccount, word: string): boolean =>
  configuredFolder(account, word) !== undefined;

const configuredFolder = (account: MailAccount, word: string) =>
  account.folders?.find((folder) =>
    [folder.path, ...folder.words].some((one) => foldCase(one) === foldCase(word)),
  );

/** Paths of the folders to search; empty if the account has no folder of this name. */
export function resolveFolders(
  account: MailAccount,
  word: string | null,
  list: readonly ListResponse[],
): string[] {
  const usual = [inbox, ...(account.folders ?? []).map((folder) => folder.path)];
  if (word === null) return [...new Set(usual)];
  const named = configuredFolder(account, word);
  if (named !== undefined) return [named.path];
  const name = foldCase(word);
  const special = Object.entries(specialWords).find(([, words]) => words.includes(name))?.[0];
  if (special === '\\Inbox') return [inbox];
  const found = list.filter(
    (folder) =>
      (special !== undefined && folder.specialUse === special) ||
      foldCase(folder.path) === name ||
      foldCase(folder.name) === name,
  );
  if (found.length > 0) return found.map((folder) => folder.path);
  return isAccountName(account, word) ? [...new Set(usual)] : [];
}

/** Names of the folders that the user can search. */
export const folderNames = (account: MailAccount, list: readonly ListResponse[]): string[] => [
  ...(account.folders ?? []).map((folder) => folder.words[0] ?? folder.path),
  ...list.filter((folder) => !folder.flags.has('\\Noselect')).map((folder) => folder.path),
];
