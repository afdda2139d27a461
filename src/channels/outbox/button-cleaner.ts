/** Removes the buttons of posts whose job was decided, where the chat can do that. */
import type { BridgeStorage } from '../bridge-storage-port.ts';
import type { ChannelAdapter } from '../channel-adapter-port.ts';
import { createThrottledErrorLog } from '#shared/throttled-error-log';
import type { Log } from '#shared/log';

export interface ButtonCleanerParts {
  storage: Pick<BridgeStorage, 'takeButtonPosts'>;
  adapter: Pick<ChannelAdapter, 'clearButtons' | 'targets'>;
  log: Log;
}

export function createButtonCleaner({ storage, adapter, log }: ButtonCleanerParts) {
  const errorLog = createThrottledErrorLog(log, 'buttons cannot be removed');
  return {
    /**
     * Removes the buttons of the job's posts. Never throws: the buttons are without effect already.
     * @param exceptId outbox row of the post that keeps its buttons
     */
    clear(jobId: string, exceptId: number | null = null): void {
      if (adapter.clearButtons === undefined) return;
      try {
        for (const { target, chatUser, postId } of storage.takeButtonPosts(jobId, exceptId)) {
          const place = adapter.targets.byName(target);
          if (place !== null) void adapter.clearButtons(place, chatUser, postId);
        }
        errorLog.recovered();
      } catch (error) {
        errorLog.error(error);
      }
    },
  };
}
