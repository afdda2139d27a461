/**
 * Limits derived from the timeouts of the backends. A backend's own timeout must fire first, because its error reason
 * is more specific.
 */
import type { BackendTimeouts } from './backend-config.ts';
import type { JobLimits } from '#machines/job-types';

const minute = 60_000;

/** Margins on top of a request's total timeout: first the job's step times out, then the lease of the slot expires. */
const answerMarginMs = minute;
const leaseMarginMs = 5 * minute;
/** For a backend without a total timeout: no user waits longer, and P1 requires that the job ends. */
const answerMsMax = 24 * 60 * minute;
/** A hung server whose circuit breaker does not open must not block a user forever (P1). */
const queueTimeoutMs = 30 * minute;

type Total = Pick<BackendTimeouts, 'total'>;

/** How long a request may hold its slot; infinite without a total timeout. */
export const deriveLeaseMs = ({ total }: Total): number =>
  total === 0 ? Number.POSITIVE_INFINITY : total + leaseMarginMs;

/** The configured limits of a job, named as in the configuration. */
export interface JobLimitSettings {
  jobs: Pick<
    JobLimits,
    'classifyTimeoutMs' | 'toolTimeoutMs' | 'confirmTtlMs' | 'reasonPromptMaxChars'
  >;
  pipelineEnabled: boolean;
}

/** @param backends timeouts of all backends that may answer */
export const deriveJobLimits = (
  { jobs, pipelineEnabled }: JobLimitSettings,
  backends: readonly Total[],
): JobLimits => ({
  classifyTimeoutMs: jobs.classifyTimeoutMs,
  toolTimeoutMs: jobs.toolTimeoutMs,
  confirmTtlMs: jobs.confirmTtlMs,
  answerTimeoutMs: Math.max(
    ...backends.map(({ total }) => (total === 0 ? answerMsMax : total + answerMarginMs)),
  ),
  queueTimeoutMs,
  reasonPromptMaxChars: jobs.reasonPromptMaxChars,
  pipelineEnabled,
});
