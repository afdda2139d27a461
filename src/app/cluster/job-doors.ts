/** The commands of jobs at the doors of the partitions: submit and send, from any worker. */
import { z } from 'zod';
import type { Journal, Submission, SubmitResult } from '#jobs/runtime/journal';
import { doorOperation, type DoorOperations, type LeaseDoors } from '#cluster/lease-doors';
import { GatehouseError } from '#shared/errors';
import { createIdSource } from '#shared/ids';
import type { MaybePromise } from '#shared/maybe-promise';
import { partitionLease, partitionOf } from '#storage/postgres/partition';

export type JobCommands = Pick<Journal, 'submit' | 'send'>;

const submissionSchema = z.object({
  // The machine reads it: its texts were checked where the message came in.
  input: z.looseObject({
    jobId: z.string(),
    userId: z.string(),
    channel: z.string(),
    message: z.string(),
    locale: z.enum(['ko', 'en']),
    limits: z.record(z.string(), z.unknown()),
  }),
  conversation: z.string(),
  idempotencyKey: z.string().nullable(),
});

const sendSchema = z.object({
  jobId: z.string(),
  event: z.looseObject({ type: z.enum(['cancel', 'confirm', 'confirm.early', 'reject', 'edit']) }),
  key: z.string().nullable(),
});

export const jobOperations = (journal: JobCommands): DoorOperations => ({
  submit: doorOperation(submissionSchema, (submission) =>
    journal.submit(submission as unknown as Submission),
  ),
  send: doorOperation(sendSchema, async ({ jobId, event, key }) => {
    await journal.send(jobId, event as Parameters<Journal['send']>[1], key);
  }),
});

/**
 * The journal of the worker that owns the job. A command without a key gets one when it goes to another worker, so that it
 * is not carried out twice when it is repeated.
 */
export function createJobCommands(parts: {
  doors: LeaseDoors;
  userOf(jobId: string): MaybePromise<string | null>;
}): JobCommands {
  const { doors, userOf } = parts;
  const nextId = createIdSource();
  const leaseOf = (userId: string): string => partitionLease(partitionOf(userId));
  return {
    async submit(submission) {
      const { input, idempotencyKey } = submission;
      const remoteInput = {
        ...submission,
        idempotencyKey: idempotencyKey ?? `job/${input.jobId}`,
      };
      const lease = leaseOf(input.userId);
      return (await doors.call(lease, 'submit', submission, { remoteInput })) as SubmitResult;
    },
    async send(jobId, event, key = null) {
      const userId = await userOf(jobId);
      if (userId === null) throw new GatehouseError('GH_JOB_NOT_FOUND');
      const remoteInput = { jobId, event, key: key ?? `send/${nextId()}` };
      await doors.call(leaseOf(userId), 'send', { jobId, event, key }, { remoteInput });
    },
  };
}
