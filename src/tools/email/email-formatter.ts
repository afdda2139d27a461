/** Formats mail answers as complete sentences in Korean and English, which need no model. */
import type { Locale } from '#machines/texts';
import { formatDay, formatDayRange } from '../day-formatter.ts';
import { oneLine } from '../sanitize-text.ts';
import { dayMs } from '#shared/calendar/time-units';
import { wallClockTime, startOfDay, type WallMs } from '#shared/calendar/zoned-time';
import type { MailMessage } from './mail-port.ts';

/** Folder names that are listed when the requested folder does not exist. */
const namesMax = 12;

export interface MailListing {
  range: { from: WallMs; to: WallMs };
  params: {
    query?: string | undefined;
    from?: string | undefined;
    folder?: string | undefined;
    unread?: boolean;
  };
  /** Newest first; `at` is wall time of the user's zone. */
  messages: readonly MailMessage[];
  count: number;
  isPartial: boolean;
  /** Number of message texts that were searched locally, if these were not all; else null. */
  lookedThrough: number | null;
  /** Names of the accounts whose search failed. */
  unreached: readonly string[];
  /** True if the messages come from several accounts. */
  showsAccount: boolean;
}

export function formatMailListing(listing: MailListing, locale: Locale, now: WallMs): string {
  const { messages, unreached } = listing;
  const lines = messages.map((message) =>
    formatMessage(message, listing.showsAccount, locale, now),
  );
  const notes: string[] = [];
  if (listing.lookedThrough !== null) notes.push(formatScanLimit(listing.lookedThrough, locale));
  if (unreached.length > 0) notes.push(`${unreachedHeads[locale]}: ${unreached.join(', ')}`);
  return [formatHeading(listing, locale, now), ...lines, ...notes].join('\n');
}

const unreachedHeads: Record<Locale, string> = {
  ko: '다음 메일 계정에는 연결하지 못했습니다',
  en: 'These mail accounts could not be reached',
};

/** The note that older messages of the period may match too. */
const formatScanLimit = (count: number, locale: Locale): string =>
  locale === 'ko'
    ? `기간 안의 메일이 많아 본문은 최근 ${count}통까지만 직접 살펴보았습니다.`
    : `There is much mail in this period: only the texts of the latest ${count} were looked through here.`;

function formatHeading(listing: MailListing, locale: Locale, now: WallMs): string {
  const { params, count, messages, isPartial } = listing;
  const period = formatPeriod(listing.range, locale, now);
  const quote = (text: string | undefined): string => oneLine(text ?? '', 60);
  if (locale === 'ko') {
    const what = [
      params.from === undefined ? '' : `‘${quote(params.from)}’ 님이 보낸 `,
      params.query === undefined ? '' : `‘${quote(params.query)}’ 관련 `,
      params.folder === undefined ? '' : `${quote(params.folder)} `,
      params.unread === true ? '읽지 않은 메일' : '메일',
    ].join('');
    if (count === 0) return `${period} ${what}이 없습니다.`;
    const many = isPartial ? `${count}통 이상` : `${count}통`;
    const shown = count > messages.length ? ` 최근 ${messages.length}통입니다.` : '';
    return `${period} ${what} ${many}이 있습니다.${shown}`;
  }
  const what = [
    params.from === undefined ? '' : ` from "${quote(params.from)}"`,
    params.query === undefined ? '' : ` about "${quote(params.query)}"`,
    params.folder === undefined ? '' : ` in ${quote(params.folder)}`,
  ].join('');
  const unread = params.unread === true ? 'unread ' : '';
  if (count === 0) return `${period}: no ${unread}mail${what}.`;
  const many = `${isPartial ? 'at least ' : ''}${count} ${unread}${count === 1 ? 'message' : 'messages'}`;
  const shown = count > messages.length ? ` The latest ${messages.length}:` : '';
  return `${period}: ${many}${what}.${shown}`;
}

function formatPeriod(range: { from: WallMs; to: WallMs }, locale: Locale, now: WallMs): string {
  const days = Math.round((range.to - range.from) / dayMs);
  const endsToday = range.to === startOfDay(now) + dayMs;
  if (!endsToday || days === 1) return formatDayRange(range, locale, now);
  return locale === 'ko' ? `최근 ${days}일` : `Last ${days} days`;
}

function formatMessage(
  message: MailMessage,
  showsAccount: boolean,
  locale: Locale,
  now: WallMs,
): string {
  const isKo = locale === 'ko';
  const subject = message.subject || (isKo ? '(제목 없음)' : '(no subject)');
  const marks = [
    showsAccount ? message.account : '',
    message.unread ? (isKo ? '읽지 않음' : 'unread') : '',
  ].filter((mark) => mark !== '');
  const head = `- ${formatDay(message.at, locale, now)} ${wallClockTime(message.at)} ${message.from} · ${subject}`;
  const mark = marks.length === 0 ? '' : ` [${marks.join(', ')}]`;
  const preview = message.preview === '' ? '' : `\n  ${oneLine(message.preview, 100)}`;
  return `${head}${mark}${preview}`;
}

export const formatNoMailbox = (locale: Locale): string =>
  locale === 'ko'
    ? '메일 계정이 설정되어 있지 않아 메일을 확인할 수 없습니다.'
    : 'No mail account is configured, so mail cannot be checked.';

export function formatNoFolder(folder: string, names: readonly string[], locale: Locale): string {
  const known = [...new Set(names)]
    .slice(0, namesMax)
    .map((name) => oneLine(name, 40))
    .join(', ');
  return locale === 'ko'
    ? `‘${folder}’ 편지함을 찾지 못했습니다. 있는 편지함: ${known}`
    : `There is no folder "${folder}". There are: ${known}`;
}
