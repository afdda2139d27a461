/** The mail tool: search in all mailboxes of a user. Read-only: nothing here can change a mailbox. */
import type { Log } from '#shared/log';
import { toolLogFields } from '#shared/tool-context';
import { oneLine, splitWords } from '../sanitize-text.ts';
import { toolError, serverToolError } from '../tool-texts.ts';
import {
  readOperation,
  type CallContext,
  type ServerError,
  type Tool,
  type ToolAnswer,
} from '../tool.ts';
import { dayMs } from '#shared/calendar/time-units';
import {
  wallClockTime,
  wallIsoDate,
  startOfDay,
  parseIsoDate,
  type WallMs,
  type Zones,
} from '#shared/calendar/zoned-time';
import {
  emailLabel,
  emailOperations,
  usualDays,
  type MailSearchParams,
} from './email-operations.ts';
import { formatMailListing, formatNoFolder, formatNoMailbox } from './email-formatter.ts';
import { messagesShownMax, createImapMailbox } from './imap-mailbox.ts';
import type {
  Mailbox,
  MailFound,
  MailMessage,
  MailQuery,
  EmailSettings,
  MailAccount,
} from './mail-port.ts';
import { readTlsTrust } from '#shared/tls-options';
import type { ToolParts } from '../tool-declaration.ts';

export interface EmailToolOptions {
  /** If none of them belongs to the user, the answer says so. */
  mailboxes: readonly Mailbox[];
  zones: Zones;
  log: Log;
}

export function createEmailTool(options: EmailToolOptions): Tool {
  return {
    name: 'email',
    label: emailLabel,
    operations: {
      search: readOperation({
        ...emailOperations.search,
        run: (params, context) => search(params, context, options),
      }),
      unread: readOperation({
        ...emailOperations.unread,
        run: (params, context) => search({ ...params, unread: true }, context, options),
      }),
    },
  };
}

async function search(
  params: MailSearchParams,
  context: CallContext,
  { mailboxes, zones, log }: EmailToolOptions,
): Promise<ToolAnswer> {
  const { locale, timeZone, userId } = context;
  const own = mailboxes.filter((mailbox) => mailbox.belongsTo(userId));
  if (own.length === 0) {
    return toolError('GH_TOOL_NOT_CONFIGURED', 'no mailbox of this user', formatNoMailbox(locale));
  }
  const now = zones.toWallTime(Date.parse(context.now), timeZone);
  const range = resolveRange(params, now);
  const folder = params.folder ?? null;
  const named = folder === null ? [] : own.filter((mailbox) => mailbox.hasName(folder));
  const query: MailQuery = {
    from: zones.toInstant(range.from, timeZone),
    to: zones.toInstant(range.to, timeZone),
    words: splitWords(params.query ?? '', 5),
    sender: splitWords(params.from ?? '', 3),
    folder,
    unread: params.unread === true,
  };
  const asked = await Promise.all(
    (named.length > 0 ? named : own).map(async (mailbox) => ({
      mailbox,
      outcome: await mailbox.search(query, context),
    })),
  );
  const failed = asked.flatMap(({ mailbox, outcome }) =>
    outcome.ok ? [] : [{ name: mailbox.name, fault: outcome }],
  );
  for (const one of failed) {
    log.warn({ ...toolLogFields(context), account: one.name, code: one.fault.code }, 'mail failed');
  }
  const found = asked.flatMap(({ outcome }) => (outcome.ok ? [outcome] : []));
  if (found.length === 0) return mergeErrors(failed, context);
  const there = found.filter((one) => one.missingFolder === null);
  if (there.length === 0 && failed.length === 0) {
    const names = found.flatMap((one) => one.missingFolder ?? []);
    const words = formatNoFolder(oneLine(folder ?? '', 60), names, locale);
    return toolError('GH_TOOL_NOT_FOUND', `no folder ${oneLine(folder ?? '', 60)}`, words);
  }
  return toAnswer(
    params,
    range,
    there,
    failed.map(({ name }) => name),
    context,
    zones,
  );
}

function toAnswer(
  params: MailSearchParams,
  range: { from: WallMs; to: WallMs },
  found: readonly MailFound[],
  unreached: readonly string[],
  context: CallContext,
  zones: Zones,
): ToolAnswer {
  const { locale, timeZone } = context;
  const toWall = (at: number): WallMs => zones.toWallTime(at, timeZone);
  const messages = found
    .flatMap((one) => one.messages)
    .sort((a, b) => b.at - a.at)
    .slice(0, messagesShownMax);
  const count = found.reduce((sum, one) => sum + one.count, 0);
  const isPartial = found.some((one) => one.isPartial);
  const looked = found.flatMap((one) => one.lookedThrough ?? []);
  const lookedThrough = looked.length === 0 ? null : looked.reduce((sum, one) => sum + one, 0);
  const accounts = new Set(messages.map((message) => message.account));
  const listing = {
    range,
    params,
    count,
    isPartial,
    lookedThrough,
    unreached,
    showsAccount: accounts.size > 1,
    messages: messages.map((message) => ({ ...message, at: toWall(message.at) })),
  };
  return {
    ok: true,
    data: {
      date_from: wallIsoDate(range.from),
      date_to: wallIsoDate(range.to - dayMs),
      count,
      ...(isPartial ? { partial: true } : {}),
      ...(lookedThrough === null ? {} : { looked_through: lookedThrough }),
      ...(unreached.length > 0 ? { not_reached: unreached } : {}),
      messages: messages.map((message) => toMessageData(message, toWall(message.at))),
    },
    summary: formatMailListing(listing, locale, toWall(Date.parse(context.now))),
  };
}

const toMessageData = (message: MailMessage, at: WallMs): Record<string, unknown> => ({
  date: wallIsoDate(at),
  time: wallClockTime(at),
  from: message.from,
  subject: message.subject,
  folder: message.folder,
  account: message.account,
  ...(message.unread ? { unread: true } : {}),
  ...(message.preview === '' ? {} : { preview: message.preview }),
});

function mergeErrors(
  failed: readonly { name: string; fault: ServerError }[],
  context: CallContext,
): ToolAnswer {
  const [first] = failed;
  const code = first?.fault.code ?? 'GH_TOOL_UNREACHABLE';
  const message = failed.map(({ name, fault }) => `${name}: ${fault.message}`).join('; ');
  return serverToolError({ ok: false, code, message }, emailLabel[context.locale], context.locale);
}

function resolveRange(params: MailSearchParams, now: WallMs): { from: WallMs; to: WallMs } {
  const today = startOfDay(now);
  const first = params.date_from === undefined ? null : parseIsoDate(params.date_from);
  const last = params.date_to === undefined ? null : parseIsoDate(params.date_to);
  if (first === null && last === null) {
    const days = params.days ?? usualDays;
    return { from: today - (days - 1) * dayMs, to: today + dayMs };
  }
  const days = (params.days ?? usualDays) * dayMs;
  const a = first ?? (last ?? today) - days + dayMs;
  const b = last ?? Math.max(today, a);
  return a <= b ? { from: a, to: b + dayMs } : { from: b, to: a + dayMs };
}

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
