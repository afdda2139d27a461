/**
 * What an earlier process has left on disk, settled before anything runs. It was stored under the configuration
 * of its day: bots have got other names since, people have left.
 *
 * L1: a post that was out when the process ended is never sent again: nobody knows whether it is there.
 * L2: no reply waits for a place that is not there: it is moved, or given up, reported and logged.
 * L3: who is not allowed any more is not served: neither an answer, nor a message, nor a press on a button.
 */
import type { BridgeStorage } from '../contract/bridge-storage.ts';
import type { Log } from '../lib/log.ts';
import { deliveryStep, hasEnded } from './delivery-step.ts';
import { atItsPlace, withoutPlace } from './places.ts';
import type { Targets } from './targets.ts';

interface LeftoverParts {
  storage: BridgeStorage;
  targets: Targets;
  now(): number;
  log: Log;
}

/** Returns each NAS of which it is not known whether it has a post. @throws GH_STORE_UNAVAILABLE */
export const settleLeftovers = (parts: LeftoverParts): Set<string> =>
  parts.storage.inOneStep(() => {
    const doubtful = endDoubts(parts);
    placeReplies(parts);
    endMessages(parts);
    return doubtful;
  });

function endDoubts({ storage, targets, now, log }: LeftoverParts): Set<string> {
  const doubtful = new Set<string>();
  for (const entry of storage.inDoubt()) {
    const delivery = deliveryStep(entry.delivery, { type: 'restarted' });
    storage.save(entry.id, delivery, hasEnded(delivery) ? { endedAt: now() } : {});
    // That of a bot with another name now: most probably still the same machine.
    doubtful.add((targets.byName(entry.target) ?? targets.all[0]!).nas);
    log.warn({ reply: entry.replyId }, 'a post was out when the process ended: uncertain');
  }
  return doubtful;
}

function placeReplies({ storage, targets, now, log }: LeftoverParts): void {
  for (const entry of storage.openReplies()) {
    const here = atItsPlace(entry, targets);
    if (here === entry) continue;
    const facts = { reply: entry.replyId, from: entry.target };
    if (here === null) {
      storage.save(entry.id, deliveryStep(entry.delivery, withoutPlace), { endedAt: now() });
      log.error(facts, 'a reply that waits has no place any more; it is given up');
    } else {
      storage.moveReply(entry.id, here.target, here.lane);
      log.warn({ ...facts, to: here.target }, 'a reply that waits goes to another place');
    }
  }
}

function endMessages({ storage, targets, log }: LeftoverParts): void {
  for (const row of storage.unsent()) {
    if (atItsPlace(row, targets) !== null) continue;
    storage.move(row.id, 'apologised');
    log.warn({ key: row.key, from: row.target }, 'a message that waits is not served any more');
  }
}
