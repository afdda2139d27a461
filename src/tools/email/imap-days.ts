/** Finds the messages of an open folder within the requested days, on servers with different abilities. */
import type { ImapFlow, SearchObject } from 'imapflow';
import { dayMs } from '#shared/calendar/time-units';
import type { MailQuery } from './mail-port.ts';

/** Newest messages that are fetched by sequence number if a server cannot search at all. */
const newestMax = 500;

/**
 * The days as search criteria: a day more on both sides, because servers count days in a zone of their own. The
 * exact times are checked afterwards.
 *
 * A bound that is not in the past is omitted. It would exclude nothing, and for a server with WITHIN (RFC 5032)
 * it would be sent as `OLDER 0`, which is not an interval: Dovecot answers BAD.
 */
export function dateCriteria(query: MailQuery, now = Date.now()): SearchObject {
  const since = query.from - dayMs;
  const before = query.to + dayMs;
  return {
    ...(since < now - second ? { since: new Date(since) } : {}),
    ...(before < now - second ? { before: new Date(before) } : {}),
  };
}

/** Intervals are sent in whole seconds. */
const second = 1000;

/**
 * UIDs of the messages of the days, ascending; more than these if the server cannot search by date.
 *
 * Tried in order: intervals if the server has WITHIN, dates, all messages, and the newest messages by sequence
 * number.
 */
export async function searchDays(client: ImapFlow, query: MailQuery): Promise<number[]> {
  const found = await searchFor(client, query, {});
  if (found !== null) return found;
  const all = await client.search({ all: true }, { uid: true });
  if (all) return all;
  const count = client.mailbox === false ? 0 : client.mailbox.exists;
  if (count === 0) return [];
  const newest = await client.fetchAll(`${Math.max(1, count - newestMax + 1)}:*`, { uid: true });
  return newest.map(({ uid }) => uid).sort((a, b) => a - b);
}

/**
 * UIDs of the messages of the days that match the condition, ascending; null if the server answers NO or BAD.
 */
export async function searchFor(
  client: ImapFlow,
  query: MailQuery,
  condition: SearchObject,
): Promise<number[] | null> {
  const days = dateCriteria(query);
  const criteria = { ...days, ...condition };
  const asked = Object.keys(criteria).length === 0 ? { all: true } : criteria;
  const found = await client.search(asked, { uid: true });
  if (found) return found;
  if (Object.keys(days).length === 0 || !client.capabilities.delete('WITHIN')) return null;
  // Without the capability imapflow sends the same bounds as SINCE and BEFORE, which every server has.
  const byDate = await client.search(asked, { uid: true });
  return byDate ? byDate : null;
}
