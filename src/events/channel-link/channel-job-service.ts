/**
 * The job service restricted to one channel. The channel comes from the subject of a message, because the broker's
 * permissions decide who may publish there; the body only repeats it.
 *
 * C1: a submitted message belongs to this channel, and so does its idempotency key.
 * C2: a job of another channel is reported as not found, unless its owner is a person with an id in this chat.
 * C3: user ids are those of the chat, both ways. A person who has no id in this chat does not exist here.
 */
import { noPersons, type Persons } from '#shared/persons';
import type { JobService, JobView } from '#shared/wire/job-service';
import type { ServiceVerb } from '#shared/wire/subjects';
import { GatehouseError } from '#shared/errors';
import type { ReplyPlace } from '#machines/job-types';

export type JobVerbService = Pick<JobService, ServiceVerb>;

export function createChannelJobService(
  jobService: JobVerbService,
  channel: string,
  persons: Persons = noPersons,
): JobVerbService {
  const view = async (jobId: string): Promise<JobView> => {
    const job = await jobService.get(jobId);
    const address = persons.addressOf(job.user_id, channel);
    const isKnown = job.channel === channel || persons.has(job.user_id);
    if (!isKnown || address === null) throw new GatehouseError('GH_JOB_NOT_FOUND');
    return { ...job, user_id: address };
  };
  /** Who decides, by the id of a person, and where it is told. */
  const decision = async (jobId: string, by: string): Promise<[string, ReplyPlace | undefined]> => {
    const job = await view(jobId);
    const user = persons.userOf(channel, by);
    const isOther = persons.has(user) && user !== persons.userOf(channel, job.user_id);
    if (isOther) throw new GatehouseError('GH_JOB_NOT_FOUND');
    return [user, job.channel === channel ? undefined : { channel }];
  };
  return {
    async submit(body, defaults) {
      const checked = parseSubmit(channel, body);
      const { user_id: userId } = checked;
      if (typeof userId === 'string') persons.rejectImpostor(channel, userId);
      return jobService.submit(checked, defaults);
    },
    get: view,
    async list(query, bytesMax) {
      const checked = requireChannel(channel, query ?? {});
      const { user_id: chatId } = checked;
      if (typeof chatId === 'string') {
        persons.rejectImpostor(channel, chatId);
        checked['user_id'] = persons.userOf(channel, chatId);
      }
      const page = await jobService.list(checked, bytesMax);
      const jobs = page.jobs.flatMap((job) => {
        const address = persons.addressOf(job.user_id, channel);
        return address === null ? [] : [{ ...job, user_id: address }];
      });
      return { ...page, jobs };
    },
    async cancel(jobId, by) {
      const [user, via] = await decision(jobId, by);
      await jobService.cancel(jobId, user, via);
    },
    async confirm(jobId, by, draftSeq) {
      const [user, via] = await decision(jobId, by);
      await jobService.confirm(jobId, user, draftSeq, via);
    },
    async reject(jobId, by) {
      const [user, via] = await decision(jobId, by);
      await jobService.reject(jobId, user, via);
    },
    async text(jobId) {
      await view(jobId);
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
