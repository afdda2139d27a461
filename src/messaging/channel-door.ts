/**
 * The door of the jobs, as the holder of one channel may use it. Which channel that is says the subject of a message,
 * because the broker's permissions decide who may publish there; the body only repeats it.
 *
 * C1: what is submitted belongs to this channel, and so does its idempotency key.
 * C2: a job of another channel is answered like one that does not exist.
 */
import type { JobDoor } from '../contract/door.ts';
import type { ServiceVerb } from '../contract/subjects.ts';
import { GatehouseError } from '../lib/errors.ts';

export type VerbDoor = Pick<JobDoor, ServiceVerb>;

export function createChannelDoor(door: VerbDoor, channel: string): VerbDoor {
  const own = async (jobId: string): Promise<void> => {
    const job = await door.get(jobId);
    if (job.channel !== channel) throw new GatehouseError('GH_JOB_NOT_FOUND');
  };
  return {
    submit: async (body, defaults) => door.submit(submitOf(channel, body), defaults),
    async get(jobId) {
      const job = await door.get(jobId);
      if (job.channel !== channel) throw new GatehouseError('GH_JOB_NOT_FOUND');
      return job;
    },
    list: async (query, bytesMax) => door.list(ofChannel(channel, query ?? {}), bytesMax),
    async cancel(jobId, by) {
      await own(jobId);
      await door.cancel(jobId, by);
    },
    async confirm(jobId, by, draftSeq) {
      await own(jobId);
      await door.confirm(jobId, by, draftSeq);
    },
    async reject(jobId, by) {
      await own(jobId);
      await door.reject(jobId, by);
    },
    async text(jobId) {
      await own(jobId);
      return door.text(jobId);
    },
  };
}

/**
 * The body of a submit, of this channel. Its key is put under the name of the channel, so that one channel cannot
 * use up, or ask for, the keys of another.
 * @throws GH_REQUEST_INVALID for a body that is no object, or that names another channel
 */
function submitOf(channel: string, body: unknown): Record<string, unknown> {
  const checked = ofChannel(channel, body);
  const key = checked['idempotency_key'];
  if (typeof key !== 'string' || key === '' || key.startsWith(`${channel}:`)) return checked;
  return { ...checked, idempotency_key: `${channel}:${key}` };
}

function ofChannel(channel: string, body: unknown): Record<string, unknown> {
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
