/** Inputs and answers for jobs in tests, and the legal next events of a job in any state. */
import { getStateNodes } from 'xstate/graph';
import type { JobInput, JobLimits } from '#machines/job-types';
import type { JobSnapshot } from '#jobs/runtime/job-machine-runner';
import type { JobChange, JournalEvent, JournalRow } from '#jobs/job-store-port';

export const limits: JobLimits = {
  classifyTimeoutMs: 30_000,
  toolTimeoutMs: 10_000,
  confirmTtlMs: 900_000,
  answerTimeoutMs: 660_000,
  queueTimeoutMs: 1_800_000,
  reasonPromptMaxChars: 1_000,
  pipelineEnabled: true,
};

export const jobInput = (change: Partial<JobInput> = {}): JobInput => ({
  jobId: 'job-1',
  userId: 'ann',
  channel: 'http',
  message: '내일 일정 알려줘',
  locale: 'ko',
  limits,
  ...change,
});

/** The commit of a new job with these rows, without the machine. */
export const newJobChange = (
  input: JobInput,
  rows: JournalRow[],
  createdAt: number,
): JobChange => ({
  jobId: input.jobId,
  userId: input.userId,
  num: null,
  machineVersion: 1,
  created: { id: input.jobId, conversation: 'c', input, createdAt },
  rows,
  head: {
    state: 'ack',
    outcome: null,
    reply: null,
    n: rows.length,
    seq: rows.reduce((seq, { emitted }) => seq + emitted.length, 0),
    snapshot: null,
    wakeAt: null,
    updatedAt: createdAt,
    endedAt: null,
  },
  at: createdAt,
  keys: [],
});

const now = '2026-11-18T09:00:00+09:00';
const call = { tool: 'calendar', operation: 'today', params: {} };
const draft = {
  tool: 'calendar',
  operation: 'create_confirmed',
  params: { title: '치과' },
  summary: '치과, 11월 25일 14시',
};
/** The write of an external tool: the machine knows no difference between tools. */
const externalDraft = {
  tool: 'mcp:home',
  operation: 'set_lamp:confirmed',
  params: { text: 'on' },
  summary: 'Server: home, Tool: set_lamp, Input: {"text":"on"}',
};
const good = { ok: true, ...call, data: [1], summary: '일정 1건', error: null };
const failure = {
  code: 'GH_BACKEND_UNAVAILABLE',
  message: 'refused',
  errorReason: 'connect_refused',
};
const bad = { ...good, ok: false, summary: '캘린더에 연결하지 못했습니다.', error: failure };

/** Every kind of result of each effect. */
export const effectOutputs: Record<string, unknown[]> = {
  admit: [
    { now, decision: null },
    { now, decision: { by: 'rule', action: 'tools', calls: [call] } },
  ],
  classify: [
    { decision: { by: 'classifier', action: 'direct', response: '안녕하세요' }, backend: 'small' },
    { decision: { by: 'classifier', action: 'direct' }, backend: 'small' },
    { decision: { by: 'classifier', action: 'clarify', response: '언제요?' }, backend: 'small' },
    { decision: { by: 'classifier', action: 'route' }, backend: 'small' },
    { decision: { by: 'classifier', action: 'system_status' }, backend: 'small' },
  ],
  runTools: [
    { results: [good], draft: null },
    { results: [bad], draft: null },
    { results: [good], draft },
    { results: [good], draft: externalDraft },
  ],
  word: [{ text: '일정이 하나 있습니다.', backend: 'small' }],
  revise: [{ ...draft, params: { title: '치과', time: '15:00' }, summary: '치과, 15시' }],
  execute: [good, bad],
  reason: [{ text: '긴 답', backend: 'large' }],
  answer: [{ text: '짧은 답', backend: 'small' }],
};

const fromOutside: JournalEvent[] = [
  { type: 'cancel', by: 'ann' },
  { type: 'confirm', by: 'ann' },
  { type: 'confirm.early', by: 'ann' },
  { type: 'reject', by: 'ann' },
  { type: 'edit', by: 'ann', changes: { time: '15:00' } },
  { type: 'gate.queued', queue: { position: 1, ahead: 1, etaMs: null } },
  { type: 'gate.granted' },
  { type: 'progress', message: '생각하고 있습니다...' },
];

/** All events that can reach a job in this state: effect results and errors, timers, external events. */
export function nextEvents(snapshot: JobSnapshot): JournalEvent[] {
  if (snapshot.status !== 'active') return [];
  const events = [...fromOutside];
  for (const node of getStateNodes(snapshot.machine.root as never)) {
    if (!isActive(snapshot, node.path)) continue;
    for (const invoke of node.invoke) {
      for (const output of effectOutputs[invoke.id] ?? []) {
        events.push({ type: `xstate.done.actor.${invoke.id}`, output });
      }
      events.push({ type: `xstate.error.actor.${invoke.id}`, error: failure });
    }
    for (const timer of node.after) events.push({ type: String(timer.eventType) });
  }
  return events;
}

function isActive(snapshot: JobSnapshot, path: string[]): boolean {
  let value: unknown = snapshot.value;
  for (const key of path) {
    if (typeof value === 'string') return value === key && path.at(-1) === key;
    value = (value as Record<string, unknown>)[key];
    if (value === undefined) return false;
  }
  return true;
}
