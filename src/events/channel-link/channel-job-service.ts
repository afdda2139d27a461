/**
 * The job service restricted to one channel. The channel comes from the subject of a message, because the broker's
 * permissions decide who may publish there; the body only repeats it.
 *
 * C1: a submitted message belongs to this channel, and so does its idempotency key.
 * C2: a job of another channel is reported as not found.
 */
import type { JobService } from '#shared/wire/job-service';
import type { ServiceVerb } from '#shared/wire/subjects';
import { GatehouseError } from '#shared/errors';

export type JobVerbService = Pick<JobService, ServiceVerb>;

export function createChannelJobService(
  jobService: JobVerbService,
  channel: string,
): JobVerbService {
  const assertOwnChannel = async (jobId: string): Promise<void> => {
    const job = await jobService.get(jobId);
    if (job.channel !== channel) throw new GatehouseError('GH_JOB_NOT_FOUND');
  };
  return {
    submit: async (body, defaults) => jobService.submit(parseSubmit(channel, body), defaults),
    async get(jobId) {
      const job = await jobService.get(jobId);
      if (job.channel !== channel) throw new GatehouseError('GH_JOB_NOT_FOUND');
      return job;
    },
    list: async (query, bytesMax) =>
      jobService.list(requireChannel(channel, query ?? {}), bytesMax),
    async cancel(jobId, by) {
      await assertOwnChannel(jobId);
      await jobService.cancel(jobId, by);
    },
    async confirm(jobId, by, draftSeq) {
      await assertOwnChannel(jobId);
      await jobService.confirm(jobId, by, draftSeq);
    },
    async reject(jobId, by) {
      await assertOwnChannel(jobId);
      await jobService.reject(jobId, by);
    },
    async text(jobId) {
      await assertOwnChannel(jobId);
      return jobService.text(jobId);
    },
  };
}

/**
 * The body of a submit, restricted to this channel. Its key is prefixed with the channel, so that one channel cannot
 * use up, or look up, the keys of another.
 * @throws GH_REQUEST_INVALID for a body that is not an object, or that names another channel
 */
function parseSubmit(channel: string, body: unknown): Record<string, unknown> {
  const checked = requireChannel(channel, body);
  const key = checked['idempotency_key'];
  if (typeof key !== 'string' || key === '' || key.startsWith(`${channel}:`)) return checked;
  return { ...checked, idempotency_key: `${channel}:${key}` };
}

function requireChannel(channel: string, body: unknown): Record<string, unknown> {
  if (!isObject(body)) throw new GatehouseError('GH_REQUEST_INVALID', 'body: expected an object');
  const named = body['channel'];
  if (named === undefined || named === channel) return { ...body, channel };
  throw new GatehouseError(
    'GH_REQUEST_INVALID',
    `channel: the subject is that of ${channel}; the body may name no other channel`,
  );
}

export const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
