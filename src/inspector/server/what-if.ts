/**
 * "What if": applies another event to a copy of a job as it was after some row, and shows the next state. Pure: no
 * effect is started, nothing is written, the job itself is not affected.
 */
import { getStateNodes } from 'xstate';
import { jobMachine } from '#machines/job';
import { applyEvent } from '#jobs/runtime/job-runtime-state';
import { messageOf } from '#shared/errors';
import type { JournalEvent } from '#jobs/job-store-port';
import type { WhatIf } from '../page-messages.ts';
import { createTracingRunner, toReplayFrame } from './replay-frame.ts';
import { openJournalReader, type JournalReader } from './journal-reader.ts';
import type { InspectorContext } from './inspector-context.ts';
import { rowsPerSlice } from './cooperative-scheduler.ts';

/**
 * The job as it was after row `n`, or after its last row. Replays the rows in slices, and charges the user of the key
 * per slice.
 *
 * @throws GH_JOB_NOT_FOUND, GH_REQUEST_TOO_MANY
 */
export async function openReaderAt(
  { storage, limits, slices }: Pick<InspectorContext, 'storage' | 'limits' | 'slices'>,
  jobId: string,
  n: number,
  user: string | null,
): Promise<JournalReader> {
  const reader = await openJournalReader(storage, jobId);
  const rows = Math.min(n, reader.storedJob.head.n);
  // The first slice is part of the request.
  if (user !== null) limits?.chargeUser(user, Math.floor((rows - 1) / rowsPerSlice));
  while (reader.rowsRead < rows) {
    await slices.nextSlice();
    const frames = await reader.readNext(Math.min(rowsPerSlice, rows - reader.rowsRead));
    if (frames.length === 0) break;
  }
  return reader;
}

export function tryEvent(
  reader: JournalReader,
  n: number,
  event: JournalEvent,
  at: number,
): WhatIf {
  const before = reader.stateAt(n);
  if (before === null) return { ok: false, message: `The job has no row ${n}` };
  if (before.hasInternalError || before.snapshot.status !== 'active') {
    return { ok: false, message: 'The job had ended here: no event changes it any more' };
  }
  const machine = createTracingRunner();
  try {
    const isHandled = before.snapshot.can(event as never);
    const step = applyEvent(machine, before, event, at);
    return { ok: true, isHandled, frame: toReplayFrame(before, step, machine.takenEdges()) };
  } catch (error) {
    return { ok: false, message: messageOf(error) };
  }
}

/** The events that the job can handle after row `n`, each with a sample body. */
export function choicesAt(reader: JournalReader, n: number): JournalEvent[] {
  const state = reader.stateAt(n);
  if (state === null || state.hasInternalError || state.snapshot.status !== 'active') return [];
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

/** Sample outputs by effect, one for each path of the machine. */
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
