/** The mail tool: search over all mailboxes of a user. It reads; nothing here can change a mailbox. */
import { z } from 'zod';
import type { Log } from '../../lib/log.ts';
import { callFields } from '../call-fields.ts';
import { oneLine, wordsOf } from '../plain-text.ts';
import { fault, spokenFault } from '../tool-fault.ts';
import { dateParam, daysParam, textParam } from '../tool-params.ts';
import { reads, type CallContext, type Tool, type ToolAnswer } from '../tool.ts';
import {
  clockTime,
  dayMs,
  isoDate,
  startOfDay,
  wallOfDate,
  type WallMs,
  type Zones,
} from '../zoned-time.ts';
import { mailWords, noFolderWords, noMailWords } from './email-words.ts';
import { messagesShownMax } from './imap-mailbox.ts';
import type { Mailbox, MailFault, MailFound, MailMessage, MailQuery } from './mail-port.ts';

/** Days that are looked back without dates in the question (W2). */
const usualDays = 7;

const searchParams = z.object({
  query: textParam.optional().describe('words in subject, sender or text'),
  days: daysParam.optional().describe('how many days back, 1 is today'),
  date_from: dateParam.optional().describe('first day, YYYY-MM-DD'),
  date_to: dateParam.optional().describe('last day, YYYY-MM-DD, included'),
  from: textParam.optional().describe('sender'),
  folder: textParam.optional().describe('folder or account, as the user calls it'),
});
type SearchParams = z.output<typeof searchParams>;

export interface EmailToolOptions {
  /** Empty: no mail is configured, and the tool says so. */
  mailboxes: readonly Mailbox[];
  zones: Zones;
  log: Log;
}

/** The tool `email`: search. */
export function createEmailTool(options: EmailToolOptions): Tool {
  return {
    name: 'email',
    operations: {
      search: reads({
        description: "search in the user's mail; without dates the last 7 days",
        schema: searchParams,
        run: (params, context) => search(params, context, options),
      }),
    },
  };
}

async function search(
  params: SearchParams,
  context: CallContext,
  { mailboxes, zones, log }: EmailToolOptions,
): Promise<ToolAnswer> {
  const { locale, timeZone, userId } = context;
  const own = mailboxes.filter((mailbox) => mailbox.isOf(userId));
  if (own.length === 0) {
    return fault('GH_TOOL_NOT_CONFIGURED', 'no mailbox of this user', noMailWords(locale));
  }
  const now = zones.wallOf(Date.parse(context.now), timeZone);
  const range = rangeOf(params, now);
  const folder = params.folder ?? null;
  const named = folder === null ? [] : own.filter((mailbox) => mailbox.isNamed(folder));
  const query: MailQuery = {
    from: zones.instantOf(range.from, timeZone),
    to: zones.instantOf(range.to, timeZone),
    words: wordsOf(params.query ?? '', 5),
    sender: wordsOf(params.from ?? '', 3),
    folder,
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
    log.warn({ ...callFields(context), account: one.name, code: one.fault.code }, 'mail failed');
  }
  const found = asked.flatMap(({ outcome }) => (outcome.ok ? [outcome] : []));
  if (found.length === 0) return allFailed(failed, context);
  const there = found.filter((one) => one.missingFolder === null);
  if (there.length === 0 && failed.length === 0) {
    const names = found.flatMap((one) => one.missingFolder ?? []);
    const words = noFolderWords(oneLine(folder ?? '', 60), names, locale);
    return fault('GH_TOOL_NOT_FOUND', `no folder ${oneLine(folder ?? '', 60)}`, words);
  }
  return answerOf(
    params,
    range,
    there,
    failed.map(({ name }) => name),
    context,
    zones,
  );
}

function answerOf(
  params: SearchParams,
  range: { from: WallMs; to: WallMs },
  found: readonly MailFound[],
  unreached: readonly string[],
  context: CallContext,
  zones: Zones,
): ToolAnswer {
  const { locale, timeZone } = context;
  const wallOf = (at: number): WallMs => zones.wallOf(at, timeZone);
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
    messages: messages.map((message) => ({ ...message, at: wallOf(message.at) })),
  };
  return {
    ok: true,
    data: {
      date_from: isoDate(range.from),
      date_to: isoDate(range.to - dayMs),
      count,
      ...(isPartial ? { partial: true } : {}),
      ...(lookedThrough === null ? {} : { looked_through: lookedThrough }),
      ...(unreached.length > 0 ? { not_reached: unreached } : {}),
      messages: messages.map((message) => messageData(message, wallOf(message.at))),
    },
    summary: mailWords(listing, locale, wallOf(Date.parse(context.now))),
  };
}

const messageData = (message: MailMessage, at: WallMs): Record<string, unknown> => ({
  date: isoDate(at),
  time: clockTime(at),
  from: message.from,
  subject: message.subject,
  folder: message.folder,
  account: message.account,
  ...(message.unread ? { unread: true } : {}),
  ...(message.preview === '' ? {} : { preview: message.preview }),
});

function allFailed(
  failed: readonly { name: string; fault: MailFault }[],
  context: CallContext,
): ToolAnswer {
  const [first] = failed;
  const code = first?.fault.code ?? 'GH_TOOL_UNREACHABLE';
  const message = failed.map(({ name, fault }) => `${name}: ${fault.message}`).join('; ');
  return spokenFault(code, 'email', context.locale, message);
}

function rangeOf(params: SearchParams, now: WallMs): { from: WallMs; to: WallMs } {
  const today = startOfDay(now);
  const first = params.date_from === undefined ? null : wallOfDate(params.date_from);
  const last = params.date_to === undefined ? null : wallOfDate(params.date_to);
  if (first === null && last === null) {
    const days = params.days ?? usualDays;
    return { from: today - (days - 1) * dayMs, to: today + dayMs };
  }
  const days = (params.days ?? usualDays) * dayMs;
  const a = first ?? (last ?? today) - days + dayMs;
  const b = last ?? Math.max(today, a);
  return a <= b ? { from: a, to: b + dayMs } : { from: b, to: a + dayMs };
}
