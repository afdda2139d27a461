/** Opens the tool `email` with the configured accounts. */
import { readTlsTrust } from '../tls-settings.ts';
import type { ToolParts } from '../tool-declaration.ts';
import type { Tool } from '../tool.ts';
import { createEmailTool } from './email-tool.ts';
import { createImapMailbox } from './imap-mailbox.ts';
import type { EmailSettings, MailAccount } from './mail-port.ts';

export const openEmail = (parts: ToolParts): Tool =>
  createEmailTool({
    ...parts,
    mailboxes: mailAccounts(parts.settings.email).map(createImapMailbox),
  });

/** All configured mail accounts. @throws GH_CONFIG_INVALID when a certificate cannot be read. */
export function mailAccounts(settings: EmailSettings): MailAccount[] {
  if (settings.provider === 'none') return [];
  return [settings, ...settings.accounts].map((account) => ({
    ...account,
    ...readTlsTrust(account),
    name: account.name ?? account.username,
  }));
}
