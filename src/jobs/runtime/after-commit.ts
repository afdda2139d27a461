/**
 * Runs once a batch is on disk, in this order: commands are acknowledged, events are published to subscribers, effects
 * whose state was left are aborted, new effects start, timers are armed, and jobs that ended or parked are evicted from
 * memory.
 */
import { stateEventsOf } from '#shared/wire/state-event';
import type { EffectRunner } from './effect-runner.ts';
import {
  summaryOf,
  isEnded,
  isParked,
  type PendingEffect,
  type PendingTimer,
} from './job-runtime-state.ts';
import type { ActiveJob, ActiveJobCache } from './active-jobs.ts';
import type { JobEnd, JournalObserver } from './journal-observer.ts';
import type { LiveHub } from './live-hub.ts';
import type { JobTimers } from './job-timers.ts';
import { acknowledgementOf, timerEnvelope, type Envelope } from './envelope.ts';
import type { BatchedChange } from './transaction-batch.ts';
import type { JobScheduler } from './job-scheduler.ts';

export interface AfterCommitContext {
  activeJobs: ActiveJobCache;
  hub: LiveHub;
  runner: EffectRunner;
  timers: JobTimers;
  scheduler: JobScheduler;
  observer: JournalObserver;
  startEffect(job: ActiveJob, effect: PendingEffect): void;
  post(mail: Envelope): void;
}

export function runAfterCommit(change: BatchedChange, context: AfterCommitContext): void {
  const { job, before, envelopes } = change;
  for (const envelope of envelopes) acknowledgementOf(envelope)?.resolve();
  if (before === null) context.observer.accepted?.(job);
  publishEvents(change, context.hub);

  const { state } = job;
  const effectsBefore = before?.effects ?? [];
  for (const effect of effectsBefore) {
    if (!state.effects.includes(effect)) context.runner.abort(effect.key);
  }
  for (const effect of state.effects) {
    if (!effectsBefore.includes(effect)) context.startEffect(job, effect);
  }
  for (const timer of before?.timers ?? []) {
    if (!state.timers.includes(timer)) context.timers.clear(timer);
  }
  if (isEnded(state)) {
    context.observer.ended?.(job, jobEndOf(change));
    context.scheduler.release(job.id);
    context.activeJobs.evict(job.id);
  } else if (isParked(state)) {
    for (const timer of state.timers) {
      context.timers.clear(timer);
      context.timers.scheduleWake(timer.dueAt);
    }
    context.scheduler.release(job.id);
    context.activeJobs.evict(job.id);
  } else {
    for (const timer of state.timers) {
      if (!before?.timers.includes(timer)) armTimer(job.id, timer, context);
    }
  }
}

function jobEndOf({ job, rows }: BatchedChange): JobEnd {
  const { decision, models } = job.state.snapshot.context;
  const { outcome, reply } = summaryOf(job.state);
  return {
    at: rows.at(-1)?.at ?? job.createdAt,
    outcome: outcome as JobEnd['outcome'],
    replyLength: reply?.length ?? 0,
    decision: decision === null ? null : { by: decision.by, action: decision.action },
    models,
  };
}

export function armTimer(
  jobId: string,
  timer: PendingTimer,
  { timers, post }: Pick<AfterCommitContext, 'timers' | 'post'>,
  dueAt: number = timer.dueAt,
): void {
  timers.arm(timer, dueAt, () => post(timerEnvelope(jobId, timer)));
}

function publishEvents({ job, rows }: BatchedChange, hub: LiveHub): void {
  for (const row of rows) for (const event of stateEventsOf(job.input, row)) hub.event(event);
}
