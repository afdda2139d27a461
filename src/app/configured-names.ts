/** The installation's own vocabulary for the rules: mail folders, accounts and model servers from the configuration. */
import {
  familyNames,
  type CustomVocabulary,
  type MailFolderWords,
} from '#language/rules/custom-vocabulary';
import { providerOf } from '#tools/email/mail-folders';
import type { Config } from './config/config.ts';

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

/** Hosts that occur in every installation and so do not name a machine. */
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

/** The vocabulary option of the rules. */
export const configuredNames = (config: Config): CustomVocabulary => ({
  mailFolders: mailFoldersOf(config),
  machines: machinesOf(config),
});
