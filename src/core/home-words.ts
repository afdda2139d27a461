/** The words of a home for the rules: its mail folders, accounts and model servers, out of the configuration. */
import { familyNames, type HomeWords, type MailFolderWords } from '../routing/home-words.ts';
import { providerOf } from '../tools/email/mail-providers.ts';
import type { Config } from '../config/config.ts';

function mailFoldersOf({ tools: { email } }: Config): MailFolderWords[] {
  if (email.provider === 'none') return [];
  const accounts = [email, ...email.accounts];
  const folders = accounts.flatMap(({ folders = [] }) =>
    folders.map(({ path, words }) => ({ folder: path, words })),
  );
  const names = accounts.flatMap(({ name }) =>
    name === undefined ? [] : [{ folder: name, words: [] }],
  );
  const providers = accounts.flatMap((account) => {
    const provider = providerOf(account);
    return provider === undefined ? [] : [{ folder: provider.name, words: provider.words }];
  });
  return [...folders, ...names, ...providers];
}

/** Hosts that every installation may have: no name of a machine. */
const plainHost = /^(?:localhost|host|\[?[\d.:a-f]+\]?)$/i;

function machinesOf({ backends }: Config): string[] | undefined {
  if (backends.length === 0) return undefined;
  const names = backends.flatMap((backend) => {
    const host = new URL(backend.baseUrl).hostname.split('.')[0] ?? '';
    const hosts =
      plainHost.test(new URL(backend.baseUrl).hostname) || plainHost.test(host) ? [] : [host];
    return [backend.id, ...backend.names, ...familyNames(backend.model), ...hosts];
  });
  return [...new Set(names)].filter((name) => name.length > 1);
}

/** What the rules get as an option. */
export const homeWordsOf = (config: Config): HomeWords => ({
  mailFolders: mailFoldersOf(config),
  machines: machinesOf(config),
});
