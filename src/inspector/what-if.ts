/**
 * "What if": another event for a copy of a job as it was after some row, and where the machine would go.
 * Pure: no effect is started, nothing is written, the job itself does not notice.
 */
import { getStateNodes } from 'xstate';
import { jobMachine } from '../../machines/job.ts';
import { advance } from '../journal/job-state.ts';
import { messageOf } from '../lib/errors.ts';
import type { JournalEvent } from '../store/job-storage.ts';
import { createTracedMachine, frameOf, type Frame } from './frame.ts';
import { followJob, type JobFollower } from './job-follower.ts';
import type { InspectorParts } from './parts.ts';
import { rowsPerSlice } from './slices.ts';

/**
 * The job as it was after row `n`, or after its last one: its rows up to there are run in slices, and charged by
 * them to the person whose key it is.
 *
 * @throws GH_JOB_NOT_FOUND, GH_REQUEST_TOO_MANY
 */
export async function replayTo(
  { storage, limits, slices }: Pick<InspectorParts, 'storage' | 'limits' | 'slices'>,
  jobId: string,
  n: number,
  user: string | null,
): Promise<JobFollower> {
  const job = followJob(storage, jobId);
  const rows = Math.min(n, job.job.head.n);
  // The first slice is the request itself.
  if (user !== null) limits?.chargePerson(user, Math.floor((rows - 1) / rowsPerSlice));
  while (job.known < rows) {
    await slices.turn();
    if (job.pull(Math.min(rowsPerSlice, rows - job.known)).length === 0) break;
  }
  return job;
}

export type WhatIf =
  | { ok: true; isHandled: boolean; frame: Frame }
  | { ok: false; message: string };

export function tryEvent(job: JobFollower, n: number, event: JournalEvent, at: number): WhatIf {
  const before = job.stateAt(n);
  if (before === null) return { ok: false, message: `The job has no row ${n}` };
  if (before.broken || before.snapshot.status !== 'active') {
    return { ok: false, message: 'The job had ended here: no event changes it any more' };
  }
  const machine = createTracedMachine();
  try {
    const isHandled = before.snapshot.can(event as never);
    const step = advance(machine, before, event, at);
    return { ok: true, isHandled, frame: frameOf(before, step, machine.taken()) };
  } catch (error) {
    return { ok: false, message: messageOf(error) };
  }
}

/** The events that mean something to the job after row `n`, each with a body to start from. */
export function choicesAt(job: JobFollower, n: number): JournalEvent[] {
  const state = job.stateAt(n);
  if (state === null || state.broken || state.snapshot.status !== 'active') return [];
  const types = getStateNodes(jobMachine.root, state.snapshot.value as never)
    .toReversed()
    .flatMap((node) => [...node.transitions.keys()] as string[]);
  const running = state.effects.map(({ id }) => id);
  return [...new Set(types)].flatMap((type) => examplesOf(type, running));
}

const failure = { code: 'GH_BACKEND_UNAVAILABLE', message: 'connection refused' };
const result = { ok: true, tool: 'calendar', operation: 'today', data: [], summary: '…' };
const results = [{ ...result, error: null }];
const draft = { tool: 'calendar', operation: 'create_confirmed', params: {}, summary: '…' };
const by = 'inspector';

/** By effect: what it can give back, one for each way on. */
const outputs: Record<string, unknown[]> = {
  admit: [
    { now: '2026-01-01T09:00:00+09:00', decision: null },
    {
      now: '2026-01-01T09:00:00+09:00',
      decision: {
        by: 'rule',
        action: 'tools',
        calls: [{ tool: 'calendar', operation: 'today', params: {} }],
      },
    },
  ],
  classify: [
    { decision: { by: 'classifier', action: 'route' }, backend: 'what-if' },
    { decision: { by: 'classifier', action: 'direct', response: '…' }, backend: 'what-if' },
    { decision: { by: 'classifier', action: 'clarify', response: '…?' }, backend: 'what-if' },
    { decision: { by: 'classifier', action: 'system_status' }, backend: 'what-if' },
  ],
  runTools: [
    { results, draft: null },
    { results, draft },
  ],
  word: [{ text: '…', backend: 'what-if' }],
  revise: [draft],
  execute: [{ ...result, operation: 'create_confirmed', error: null }],
  reason: [{ text: '…', backend: 'what-if' }],
  answer: [{ text: '…', backend: 'what-if' }],
};

const bodies: Record<string, Record<string, unknown>> = {
  cancel: { by },
  confirm: { by },
  'confirm.early': { by },
  reject: { by },
  edit: { by, changes: {} },
  'gate.queued': { queue: { position: 1, ahead: 1, etaMs: null } },
  progress: { message: '…' },
};

function examplesOf(type: string, running: string[]): JournalEvent[] {
  const [, kind, , id = ''] = type.split('.');
  const isOfEffect = type.startsWith('xstate.done.') || type.startsWith('xstate.error.');
  if (isOfEffect && !running.includes(id)) return [];
  if (isOfEffect && kind === 'done') {
    return (outputs[id] ?? [{}]).map((output) => ({ type, output }));
  }
  if (isOfEffect) return [{ type, error: failure }];
  return [{ type, ...bodies[type] }];
}
