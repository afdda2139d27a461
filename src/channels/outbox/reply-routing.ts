/**
 * Where a reply is posted, if this bridge still serves the target and the user. A private answer is never posted in a
 * room instead, nor to a user who is no longer allowed.
 */
import type { NewOutboxRow } from '../bridge-storage-port.ts';
import type { DeliveryEvent } from '#machines/delivery';
import type { ChannelTarget, ChannelTargets } from '../targets.ts';

/** `sourceTarget`: where the question came from; null if that is no longer configured: then the first private target is used. */
export function resolveTarget(
  sourceTarget: ChannelTarget | null,
  chatUser: string,
  targets: ChannelTargets,
): ChannelTarget | null {
  const target = sourceTarget ?? targets.all.find(({ isPrivate }) => isPrivate) ?? null;
  return target?.hasMember(chatUser) === false ? null : target;
}

/** The row with its current target and lane; null if it has none. */
export function retargetRow<Row extends Pick<NewOutboxRow, 'target' | 'lane' | 'chatUser'>>(
  row: Row,
  targets: ChannelTargets,
): Row | null {
  const target = resolveTarget(targets.byName(row.target), row.chatUser, targets);
  if (target === null || target.name === row.target) return target === null ? null : row;
  return { ...row, target: target.name, lane: `${target.name}/${row.chatUser}` };
}

/** For a reply whose target or user is not configured. */
export const noTargetEvent: DeliveryEvent = {
  type: 'expired',
  error: 'its place in the chat, or its person, is not configured',
};
