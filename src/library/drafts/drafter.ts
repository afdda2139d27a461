/** The draft worker as its users see it: it may run in another process. */
import type { DraftWorker } from './draft-worker.ts';

export interface Drafter extends Pick<
  DraftWorker,
  'state' | 'running' | 'pausedAt' | 'wake' | 'retry' | 'interrupt' | 'pause' | 'resume'
> {
  /** Reads `state`, `running` and `pausedAt` anew, where another process drafts. */
  refresh?(): Promise<void>;
}
