/**
 * Named points at the edges of every commit. In production they do nothing; the crash tests hand in a
 * hook that kills the process at one of them.
 */
export type FaultPoint =
  | 'journal.beforeCommit'
  | 'journal.afterCommit'
  | 'journal.effectStarted'
  | 'journal.effectEnded'
  | 'relay.beforePublish'
  | 'relay.afterPublish'
  | 'relay.afterMark'
  | 'draft.claimed'
  | 'draft.sectionKept'
  | 'draft.answered'
  | 'draft.withinWrite'
  | 'draft.written'
  | 'tool.beforeWrite'
  | 'tool.afterWrite';

export interface Faults {
  /** `detail` says which: the state or the effect at that point. */
  hit(point: FaultPoint, detail: string): void;
}

export const noFaults: Faults = { hit: () => undefined };
