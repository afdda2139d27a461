/** What follows from the limits of the backends: theirs must come first, for their reason is the better one. */
import type { BackendTimeouts } from '../backends/backend-config.ts';
import type { Config } from '../config/config.ts';
import type { JobLimits } from '../../machines/job-types.ts';

const minute = 60_000;

/** Beyond the total of a request: the job moves on a little later, the slot is given on some time after that. */
const answerMarginMs = minute;
const leaseMarginMs = 5 * minute;
/** Where a backend has no total: nobody waits longer, and P1 wants an end. */
const answerMsMax = 24 * 60 * minute;
/** A wedged server whose circuit does not open must not hold a person for ever (P1). */
const queueTimeoutMs = 30 * minute;

type Total = Pick<BackendTimeouts, 'total'>;

/** How long a request may hold its slot; without a total for ever. */
export const leaseMsOf = ({ total }: Total): number =>
  total === 0 ? Number.POSITIVE_INFINITY : total + leaseMarginMs;

/** @param backends limits of all that may answer */
export const jobLimitsOf = (
  { jobs, pipelineEnabled }: Config,
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
