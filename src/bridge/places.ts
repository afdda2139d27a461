/**
 * Where in the chat something is posted, as far as this bridge still serves the place and the person. A private
 * answer never goes to a channel instead, nor to somebody who is not allowed any more.
 */
import type { NewOutboxRow } from '../contract/bridge-storage.ts';
import type { DeliveryEvent } from '../../machines/delivery.ts';
import type { Target, Targets } from './targets.ts';

/** `named`: where the question came from; null where that is gone, and then it is the first bot's. */
export function placeOf(named: Target | null, chatUser: string, targets: Targets): Target | null {
  const target = named ?? targets.all.find(({ kind }) => kind === 'bot') ?? null;
  return target?.hasMember(chatUser) === false ? null : target;
}

/** The row at its place of today; null where it has none. */
export function atItsPlace<Row extends Pick<NewOutboxRow, 'target' | 'lane' | 'chatUser'>>(
  row: Row,
  targets: Targets,
): Row | null {
  const target = placeOf(targets.byName(row.target), row.chatUser, targets);
  if (target === null || target.name === row.target) return target === null ? null : row;
  return { ...row, target: target.name, lane: `${target.name}/${row.chatUser}` };
}

/** Of a reply whose place or person is not configured. */
export const withoutPlace: DeliveryEvent = {
  type: 'expired',
  error: 'its place in the chat, or its person, is not configured',
};
