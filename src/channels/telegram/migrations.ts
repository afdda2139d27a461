/**
 * Groups that have become supergroups, whose id is another one since: the configuration, the targets and stored rows keep
 * the old id. Kept in memory; at a start Telegram is asked again.
 */
import type { Log } from '#shared/log';

export function createMigrations(log: Log) {
  const toNew = new Map<number, number>();
  const toOld = new Map<number, number>();
  return {
    record(from: number, to: number): void {
      const origin = toOld.get(from) ?? from;
      if (toNew.get(origin) === to || origin === to) return;
      toNew.set(origin, to);
      toOld.set(to, origin);
      log.warn({ from: origin, to }, 'a group has a new id; write it into telegram.groups');
    },
    /** The id to send to. */
    currentOf: (chatId: number): number => toNew.get(chatId) ?? chatId,
    /** The id in the configuration. */
    originOf: (chatId: number): number => toOld.get(chatId) ?? chatId,
  };
}
export type Migrations = ReturnType<typeof createMigrations>;
