/**
 * Named points around every commit. In production they do nothing; the crash tests inject a hook that kills the process
 * at one of them.
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
  | 'schedule.beforeJob'
  | 'schedule.afterJob'
  | 'schedule.settled'
  | 'tool.beforeWrite'
  | 'tool.afterWrite';

export interface FaultInjector {
  /** `detail`: the state or the effect at that point. */
  reach(point: FaultPoint, detail: string): void;
}

export const noFaultInjection: FaultInjector = { reach: () => undefined };
