/**
 * Prometheus metrics of the jobs: counts, durations and time per state. Fed by the journal's observer and the hub's
 * events; keeps one small entry per job that is in memory anyway.
 */
import { Counter, Histogram, type Registry } from 'prom-client';
import { finalStates, statesThatAsk } from '#machines/job-states';
import type { StateEvent } from '#shared/wire/state-event';
import type { EffectResult } from '#jobs/runtime/effect-port';
import type { JobEnd, JobDescriptor } from '#jobs/runtime/journal-observer';
import type { FinishedToolCall } from '#tools/tool-invoker';
import { secondsBuckets } from './metric-buckets.ts';

export interface JobMetrics {
  accepted(): void;
  effectEnded(src: string, result: EffectResult | 'aborted', ms: number): void;
  ended(job: JobDescriptor, end: JobEnd): void;
  toolCalled(end: FinishedToolCall): void;
  event(event: StateEvent): void;
  token(jobId: string): void;
}

/** The state of an open job, as far as this process has observed it. Times are epoch ms. */
interface JobProgress {
  /** Null: an earlier process accepted the job. */
  acceptedAt: number | null;
  since: number;
  hasToken: boolean;
}

export function createJobMetrics(registry: Registry): JobMetrics {
  const instruments = createInstruments(registry);
  const progressByJob = new Map<string, JobProgress>();

  const recordStateChange = ({ job_id: jobId, at, data }: StateEvent): void => {
    const now = Date.parse(at);
    const [from, to] = [String(data['from']), String(data['to'])];
    const progress = progressByJob.get(jobId);
    if (progress !== undefined) {
      instruments.stateSeconds.observe({ state: from }, Math.max(0, now - progress.since) / 1000);
    }
    // The time that users take to confirm is not measured, and the jobs that wait for it are not in memory.
    if (statesThatAsk.has(to) || finalStates.has(to)) {
      progressByJob.delete(jobId);
    } else {
      const { acceptedAt = null, hasToken = true } = progress ?? {};
      progressByJob.set(jobId, { acceptedAt, since: now, hasToken });
    }
    const { by, action } = (data['decision'] ?? {}) as { by?: string; action?: string };
    if (by !== undefined && action !== undefined) instruments.decisions.inc({ by, action });
  };

  return {
    accepted: () => instruments.accepted.inc(),
    effectEnded(effect, result, ms) {
      const outcome = result === 'aborted' ? result : result.ok ? 'ok' : 'failed';
      instruments.effectSeconds.observe({ effect, result: outcome }, ms / 1000);
    },
    ended({ createdAt }, { at, outcome }) {
      const labels = { outcome: outcome ?? 'cancelled' };
      instruments.ended.inc(labels);
      instruments.jobSeconds.observe(labels, Math.max(0, at - createdAt) / 1000);
    },
    toolCalled({ tool, operation, result, ms }) {
      instruments.toolCalls.inc({ tool, operation, result });
      instruments.toolSeconds.observe({ tool, operation }, ms / 1000);
    },
    event(event) {
      const { job_id: jobId, type, at, data } = event;
      if (type === 'ack') {
        const now = Date.parse(at);
        progressByJob.set(jobId, { acceptedAt: now, since: now, hasToken: false });
      } else if (type === 'state') recordStateChange(event);
      else if (type === 'error') instruments.errors.inc({ code: String(data['code']) });
    },
    token(jobId) {
      const progress = progressByJob.get(jobId);
      if (progress === undefined || progress.hasToken) return;
      progress.hasToken = true;
      if (progress.acceptedAt === null) return;
      instruments.firstToken.observe(Math.max(0, Date.now() - progress.acceptedAt) / 1000);
    },
  };
}

function createInstruments(registry: Registry) {
  const registers = [registry];
  const count = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name, help, labelNames, registers });
  const seconds = (name: string, help: string, labelNames: string[] = []) =>
    new Histogram({ name, help, labelNames, buckets: secondsBuckets, registers });
  return {
    accepted: count('gatehouse_jobs_accepted_total', 'Jobs that were accepted'),
    ended: count('gatehouse_jobs_ended_total', 'Jobs by how they ended', ['outcome']),
    decisions: count('gatehouse_job_decisions_total', 'What was decided to do, and by what', [
      'by',
      'action',
    ]),
    errors: count('gatehouse_job_errors_total', 'Errors within jobs, by their code', ['code']),
    jobSeconds: seconds('gatehouse_job_seconds', 'From the acceptance of a job to its end', [
      'outcome',
    ]),
    stateSeconds: seconds(
      'gatehouse_job_state_seconds',
      'Time in a state, waits included; that for a person is not measured',
      ['state'],
    ),
    firstToken: seconds(
      'gatehouse_job_first_token_seconds',
      'From the acceptance of a job to the first piece of its answer that is shown',
    ),
    effectSeconds: seconds(
      'gatehouse_effect_seconds',
      'Time that an effect of a job took, waits at gates included',
      ['effect', 'result'],
    ),
    toolCalls: count('gatehouse_tool_calls_total', 'Calls of tools: ok, or the code of the fault', [
      'tool',
      'operation',
      'result',
    ]),
    toolSeconds: seconds('gatehouse_tool_call_seconds', 'Time that a call of a tool took', [
      'tool',
      'operation',
    ]),
  };
}
