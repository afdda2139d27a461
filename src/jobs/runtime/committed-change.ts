/**
 * What becomes visible after a commit, for each job in these steps: its callers are answered, its events published, the
 * effects of the state that it left aborted, those of its new state started, timers set; a job that ended or parked
 * leaves the memory.
 *
 * Q4: a bug in a step ends the job that it concerns with a visible error (P1). The other jobs of the turn continue.
 * Q7: a job whose partition was taken over before its commit was known starts no effect and no timer.
 */
import assert from 'node:assert/strict';
import { messageOf } from '#shared/errors';
import { stateEventsOf } from '#shared/wire/state-event';
import { logFieldsOf } from '#shared/wire/trace';
import { acknowledgementOf, internalEnvelope } from './envelope.ts';
import { internalErrorEventType, isEnded, isParked, summaryOf } from './job-runtime-state.ts';
import type { JobEnd } from './journal-observer.ts';
import type { JournalParts } from './journal-parts.ts';
import type { BatchedChange } from './transaction-batch.ts';

type Step = (parts: JournalParts, change: BatchedChange) => void;

export function makeVisible(parts: JournalParts, change: BatchedChange): void {
  const { job, before, envelopes } = change;
  for (const envelope of envelopes) acknowledgementOf(envelope)?.resolve();
  if (before === null) parts.observer.accepted?.(job);
  for (const step of [publish, stopEffects, startEffects, setTimers, unload]) {
    guardStep(parts, change, step);
  }
}

export function guardStep(parts: JournalParts, change: BatchedChange, step: Step): void {
  try {
    step(parts, change);
  } catch (bug) {
    const { id, input } = change.job;
    const who = logFieldsOf(id, input.traceparent);
    parts.log.error({ ...who, error: messageOf(bug) }, 'job broken');
    parts.mailbox.post(internalEnvelope(id, { type: internalErrorEventType, code: 'GH_JOB_BUG' }));
  }
}

const publish: Step = ({ hub }, { job, rows }) => {
  assert.notEqual(job.num, null, 'only a stored job is published');
  for (const row of rows) for (const event of stateEventsOf(job.input, row)) hub.event(event);
};

/** Aborts the effects whose state was left. */
const stopEffects: Step = ({ runner }, { job, before }) => {
  for (const effect of before?.effects ?? []) {
    if (!job.state.effects.includes(effect)) runner.abort(effect.key);
  }
};

const isOwned = ({ storage }: JournalParts, { job }: BatchedChange): boolean =>
  storage.owns(storage.partitionOf(job.input.userId));

/** An effect that a stopping process does not start is on disk, and starts with the next process. */
const startEffects: Step = (parts, change) => {
  const { effects, scheduler, runner, isOpen } = parts;
  const { job, before } = change;
  if (!isOpen() || !isOwned(parts, change)) return;
  for (const effect of job.state.effects) {
    if (before?.effects.includes(effect)) continue;
    if (effects[effect.src]?.isScheduled !== true) runner.start(job, effect);
    else assert(scheduler.has(job.id), 'a job with a scheduled effect is in the scheduler');
  }
};

/** The timers of a job in memory are armed. A parked job has only its wake-up time. */
const setTimers: Step = (parts, change) => {
  const { timers, clock } = parts;
  const { job, before } = change;
  const { state } = job;
  const parked = isParked(state);
  for (const timer of before?.timers ?? []) {
    if (parked || !state.timers.includes(timer)) timers.clear(timer);
  }
  if (isEnded(state) || !isOwned(parts, change)) return;
  for (const timer of state.timers) {
    if (parked) timers.scheduleWake(timer.dueAt);
    // Its whole time, however long the commit took and whatever the clock says now.
    else if (!before?.timers.includes(timer)) {
      timers.arm(job.id, timer, clock.now() + timer.delayMs);
    }
  }
};

/** A job that has ended or parked leaves the memory, and its place goes to the next job. */
const unload: Step = ({ activeJobs, observer, scheduler }, change) => {
  const { job } = change;
  const hasEnded = isEnded(job.state);
  if (!hasEnded && !isParked(job.state)) return;
  activeJobs.evict(job.id);
  scheduler.release(job.id);
  if (hasEnded) observer.ended?.(job, jobEndOf(change));
  assert.equal(job.state.effects.length, 0, 'a job that has ended or parked runs no effect');
};

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
