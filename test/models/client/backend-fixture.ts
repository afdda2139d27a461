/** Shared by the backend tests: a fake server, and a backend behind a gate, closed after each test. */
import { onTestFinished } from 'vitest';
import { createBackend, type ClosableBackend } from '#models/client/backend';
import { defaultTimeoutsMs, type BackendConfig } from '#models/backend-config';
import type { Gate } from '#models/gate/gate-types';
import type { ModelFailure, ModelOutcome, ModelRequest, RunOptions } from '#shared/model/model';
import { systemClock } from '#shared/clock';
import { startFakeLlm, type FakeLlm, type FakeLlmOptions } from '#test/support/fake-llm';
import { createOneSlotGate } from './one-slot-gate.ts';

export async function fakeLlm(options?: FakeLlmOptions): Promise<FakeLlm> {
  const llm = await startFakeLlm(options);
  onTestFinished(() => llm.close());
  return llm;
}

export const configFor = (
  baseUrl: string,
  parts: Partial<Omit<BackendConfig, 'timeoutsMs'>> & {
    timeoutsMs?: Partial<BackendConfig['timeoutsMs']>;
  } = {},
): BackendConfig => ({
  id: 'fake',
  model: 'fake-model',
  kind: 'generic',
  concurrency: 1,
  statusUrl: null,
  vision: false,
  apiKey: null,
  ...parts,
  baseUrl,
  timeoutsMs: { ...defaultTimeoutsMs, ...parts.timeoutsMs },
});

export function backendFor(
  config: BackendConfig,
  gate: Gate = createOneSlotGate(),
): ClosableBackend {
  const backend = createBackend({ config, gate, clock: systemClock });
  onTestFinished(() => backend.close());
  return backend;
}

export const modelRequest = (content: string, parts: Partial<ModelRequest> = {}): ModelRequest => ({
  messages: [{ role: 'user', content }],
  ...parts,
});

export const foregroundOptions = (parts: Partial<RunOptions> = {}): RunOptions => ({
  kind: 'answer',
  priority: 'foreground',
  user: 'u1',
  signal: new AbortController().signal,
  ...parts,
});

/** Collects the pieces of `onText`; `text` is the visible text at the end. */
export function textCollector() {
  const pieces: string[] = [];
  const seen = {
    text: '',
    replaced: 0,
    pieces,
    onText: (piece: string, replace: boolean): void => {
      pieces.push(piece);
      if (replace) seen.replaced += 1;
      seen.text = replace ? piece : seen.text + piece;
    },
  };
  return seen;
}

/** The failure; throws an error with the answer if the outcome is ok. */
export function failureOf(outcome: ModelOutcome): ModelFailure {
  if (outcome.ok)
    throw new Error(`expected a failure, got the answer ${JSON.stringify(outcome.text)}`);
  return outcome;
}
