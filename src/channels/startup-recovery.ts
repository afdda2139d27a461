/**
 * Recovers the rows of an earlier process before anything runs. They were stored under an older configuration: bots may
 * have been renamed, users removed.
 *
 * L1: a post in flight when the process ended is not sent again: whether it arrived is unknown. Only a chat that
 *     recognizes its key gets it again.
 * L2: no reply waits for a target that does not exist: it is retargeted, or given up, reported and logged.
 * L3: a user who is no longer allowed is not served: no answer, no message, no click.
 */
import type { BridgeStorage } from './bridge-storage-port.ts';
import type { Log } from '#shared/log';
import { applyDeliveryEvent, hasEnded, resolveUncertain } from './outbox/delivery-transitions.ts';
import { retargetRow, noTargetEvent } from './outbox/reply-routing.ts';
import type { ChannelAdapter } from './channel-adapter-port.ts';

interface StartupRecoveryParts {
  storage: BridgeStorage;
  adapter: Pick<ChannelAdapter, 'abilities' | 'targets'>;
  now(): number;
  log: Log;
}

/** Returns each server with a post of unknown result. @throws GH_STORE_UNAVAILABLE */
export const recoverOnStartup = (parts: StartupRecoveryParts): Set<string> =>
  parts.storage.transaction(() => {
    const uncertain = resolveInDoubtReplies(parts);
    retargetReplies(parts);
    abandonUnservedMessages(parts);
    return uncertain;
  });

function resolveInDoubtReplies({ storage, adapter, now, log }: StartupRecoveryParts): Set<string> {
  const { targets, abilities } = adapter;
  const restarted = resolveUncertain({ type: 'restarted' }, abilities);
  const uncertain = new Set<string>();
  for (const entry of storage.interruptedDeliveries()) {
    const delivery = applyDeliveryEvent(entry.delivery, restarted);
    storage.saveDelivery(entry.id, delivery, hasEnded(delivery) ? { endedAt: now() } : {});
    // If the target was renamed, the first server: most probably still the same machine.
    uncertain.add((targets.byName(entry.target) ?? targets.all[0]!).server);
    const { state } = delivery;
    log.warn({ reply: entry.replyId, state }, 'a post was out when the process ended');
  }
  return uncertain;
}

function retargetReplies({ storage, adapter, now, log }: StartupRecoveryParts): void {
  for (const entry of storage.openReplies()) {
    const retargeted = retargetRow(entry, adapter.targets);
    if (retargeted === entry) continue;
    const logFields = { reply: entry.replyId, from: entry.target };
    if (retargeted === null) {
      storage.saveDelivery(entry.id, applyDeliveryEvent(entry.delivery, noTargetEvent), {
        endedAt: now(),
      });
      log.error(logFields, 'a reply that waits has no place any more; it is given up');
    } else {
      storage.retargetReply(entry.id, retargeted.target, retargeted.lane);
      log.warn({ ...logFields, to: retargeted.target }, 'a reply that waits goes to another place');
    }
  }
}

function abandonUnservedMessages({ storage, adapter, log }: StartupRecoveryParts): void {
  for (const row of storage.unsubmittedInbox()) {
    if (retargetRow(row, adapter.targets) !== null) continue;
    storage.setInboxState(row.id, 'apologised');
    log.warn({ key: row.key, from: row.target }, 'a message that waits is not served any more');
  }
}
