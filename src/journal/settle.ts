/**
 * What happens once a turn is on disk, in this order: who waited for the commit is answered, subscribers
 * are told, effects whose state was left are aborted, new ones start, timers are armed, and jobs that have
 * ended or only wait for a person leave the memory.
 */
import { stateEventsOf } from '../contract/state-event.ts';
import type { EffectRunner } from './effect-runner.ts';
import { headOf, isEnded, isParked, type PendingEffect, type PendingTimer } from './job-state.ts';
import type { ActiveJob, JobTable } from './job-table.ts';
import type { JobEnd, JournalObserver } from './journal-observer.ts';
import type { LiveHub } from './live-hub.ts';
import type { Timers } from './timers.ts';
import { timerMail, type Change, type Mail } from './turn.ts';
import type { Turns } from './turns.ts';

export interface Settling {
  table: JobTable;
  hub: LiveHub;
  runner: EffectRunner;
  timers: Timers;
  turns: Turns;
  observer: JournalObserver;
  startEffect(job: ActiveJob, effect: PendingEffect): void;
  post(mail: Mail): void;
}

export function settle(change: Change, parts: Settling): void {
  const { job, before, mails } = change;
  for (const mail of mails) mail.outside?.resolve();
  if (before === null) parts.observer.accepted?.(job);
  publish(change, parts.hub);

  const { state } = job;
  const effectsBefore = before?.effects ?? [];
  for (const effect of effectsBefore) {
    if (!state.effects.includes(effect)) parts.runner.abort(effect.key);
  }
  for (const effect of state.effects) {
    if (!effectsBefore.includes(effect)) parts.startEffect(job, effect);
  }
  for (const timer of before?.timers ?? []) {
    if (!state.timers.includes(timer)) parts.timers.clear(timer);
  }
  if (isEnded(state)) {
    parts.observer.ended?.(job, endOf(change));
    parts.turns.leave(job.id);
    parts.table.drop(job.id);
  } else if (isParked(state)) {
    for (const timer of state.timers) {
      parts.timers.clear(timer);
      parts.timers.wakeBy(timer.dueAt);
    }
    parts.turns.leave(job.id);
    parts.table.drop(job.id);
  } else {
    for (const timer of state.timers) {
      if (!before?.timers.includes(timer)) armTimer(job.id, timer, parts);
    }
  }
}

function endOf({ job, rows }: Change): JobEnd {
  const { decision, models } = job.state.snapshot.context;
  const { outcome, reply } = headOf(job.state);
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
  { timers, post }: Pick<Settling, 'timers' | 'post'>,
  dueAt: number = timer.dueAt,
): void {
  timers.arm(timer, dueAt, () => post(timerMail(jobId, timer)));
}

function publish({ job, rows }: Change, hub: LiveHub): void {
  for (const row of rows) for (const event of stateEventsOf(job.input, row)) hub.event(event);
}
