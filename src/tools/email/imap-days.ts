/** Which messages of an open folder are of the days that were asked for, on servers of every kind. */
import type { ImapFlow, SearchObject } from 'imapflow';
import { dayMs } from '../zoned-time.ts';
import type { MailQuery } from './mail-port.ts';

/** Messages that are asked for by their place, where a server can search for nothing. */
const newestMax = 500;

/**
 * The days as a server is asked for them: a day more on both sides, as servers count days in a zone of their
 * own. Messages are looked at exactly afterwards.
 *
 * A bound that is not past is left out. It would exclude nothing, and where the server has WITHIN (RFC 5032)
 * it would be sent as `OLDER 0`, which is no interval: Dovecot answers BAD.
 */
export function daysOf(query: MailQuery, now = Date.now()): SearchObject {
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
 * UIDs of the days' messages, ascending; more than those where the server cannot search by days.
 *
 * Tried in turn: intervals where the server has WITHIN, dates, everything, and the newest by their place in
 * the folder.
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
 * UIDs of the messages of the days that meet the condition, ascending; null where the server says NO or BAD.
 */
export async function searchFor(
  client: ImapFlow,
  query: MailQuery,
  condition: SearchObject,
): Promise<number[] | null> {
  const days = daysOf(query);
  const criteria = { ...days, ...condition };
  const asked = Object.keys(criteria).length === 0 ? { all: true } : criteria;
  const found = await client.search(asked, { uid: true });
  if (found) return found;
  if (Object.keys(days).length === 0 || !client.capabilities.delete('WITHIN')) return null;
  // Without the capability the same bounds are sent as SINCE and BEFORE, which every server has.
  const byDate = await client.search(asked, { uid: true });
  return byDate ? byDate : null;
}
