/**
 * The tools for messages and jobs.
 *
 * M1 No tool decides on a draft. A message of this door never answers one, not even a yes: the text of a draft says where
 *    its person decides.
 * M2 A cancelled request cancels the job that its message opened. A lost connection does not: the job goes on, and
 *    `get_job` has its answer.
 * M3 A call ends before its client gives up: what is not ready then is read with `get_job`.
 */
import { z } from 'zod';
import { confirmState, finalStates, jobStateRows } from '#machines/job-states';
import { jobStates } from '#machines/job-types';
import { textsOf } from '#machines/texts';
import { GatehouseError } from '#shared/errors';
import type { JobView } from '#shared/wire/job-service';
import type { StateEvent } from '#shared/wire/state-event';
import type { DoorService } from './door-service.ts';
import { cutText, doorTool, type DoorCall, type DoorResult } from './door-tool.ts';

/** Most clients give up after 60 s without progress, and after 4 minutes with it. */
const waitSeconds = { silent: 50, withProgress: 230, max: 600 };
/** Of a reply in a result, in characters. */
const replyCharsMax = 30_000;
/** Of the texts of a job in a list. */
const headCharsMax = 200;

const jobFields = {
  job_id: z.string(),
  conversation: z.string().nullable().describe('Name it in chat to continue this conversation.'),
  status: z
    .enum(['running', 'waits_for_person', 'ended'])
    .describe('running: read the reply with get_job later.'),
  state: z.string().describe('The step of the job.'),
  outcome: z.string().nullable().describe('How the job ended; null before its end, or cancelled.'),
  reply: z.string().nullable().describe('Null before the end of the job.'),
  reply_cut: z.boolean().describe('The reply is longer than a result may be.'),
  draft: z.string().nullable().describe('What would be written if the person said yes.'),
  decide_at: z.string().nullable().describe('Where the person decides on the draft.'),
  error_code: z.string().nullable(),
};
const jobResult = z.object(jobFields);
type JobResult = z.infer<typeof jobResult>;

const jobId = z.string().min(1).max(64).describe('The id of the job.');
const wait = (otherwise: string) =>
  z.coerce
    .number()
    .min(0)
    .max(waitSeconds.max)
    .describe(`How many seconds to wait for the reply at most. Without it: ${otherwise}.`);

export const chatTool = doorTool({
  name: 'chat',
  title: 'Ask the assistant',
  description:
    'Sends a message to the personal assistant Gatehouse, and waits for its reply. It looks things up in the calendar, mail and documents of its person, and keeps reminders. What it would write needs the yes of the person: then the result has a draft that only the person can confirm, elsewhere. Never answer a draft yourself. If the status is running, read the reply with get_job.',
  input: z.object({
    message: z.string().min(1).describe('The message, in the words of the person.'),
    conversation: z
      .string()
      .regex(/^[A-Za-z0-9_-]{1,64}$/, 'must match [A-Za-z0-9_-]{1,64}')
      .optional()
      .describe(
        'The conversation of an earlier result, to continue it. Without it a new one begins.',
      ),
    wait_seconds: wait('50, or 230 if progress is asked for').optional(),
  }),
  output: jobResult,
  hints: {
    readOnlyHint: false,
    destructiveHint: false,
    idempotentHint: false,
    openWorldHint: true,
  },
  async run(service, { message, conversation = '', wait_seconds: seconds }, call) {
    const { requestKey } = call;
    const thread = conversation === '' ? call.nextId() : conversation;
    const id = await service.submit({ message, conversation: thread, requestKey });
    const limit = seconds ?? (call.wantsProgress ? waitSeconds.withProgress : waitSeconds.silent);
    await waitFor(service, id, limit, call);
    if (call.signal.aborted && call.isCancelled()) {
      // Rejects when the job has just ended: then there is nothing left to cancel.
      await service.cancel(id).catch(() => undefined);
    }
    return resultOf(service, id);
  },
});

export const getJobTool = doorTool({
  name: 'get_job',
  title: 'Read a job',
  description:
    'Reads one job of the person: its state, its reply, or the draft that waits for the person. Use it for a job that chat left running.',
  input: z.object({ job_id: jobId, wait_seconds: wait('0').optional() }),
  output: jobResult,
  hints: { readOnlyHint: true, openWorldHint: false },
  async run(service, { job_id: id, wait_seconds: seconds = 0 }, call) {
    await service.job(id);
    if (seconds > 0) await waitFor(service, id, seconds, call);
    return resultOf(service, id);
  },
});

export const cancelJobTool = doorTool({
  name: 'cancel_job',
  title: 'Cancel a job',
  description:
    'Cancels a job of the person that has not ended. A draft that waits is dropped: nothing is written.',
  input: z.object({ job_id: jobId }),
  output: jobResult,
  hints: { readOnlyHint: false, destructiveHint: true, idempotentHint: true, openWorldHint: false },
  async run(service, { job_id: id }, call) {
    const { state } = await service.job(id);
    // Cancelling twice is no error.
    if (state !== 'cancelled') await service.cancel(id);
    await waitFor(service, id, cancelSeconds, call);
    return resultOf(service, id);
  },
});

/** A running effect reports its end soon after it was aborted. */
const cancelSeconds = 10;

const listedJob = z.object({
  job_id: z.string(),
  state: z.string(),
  outcome: z.string().nullable(),
  channel: z.string().describe('Where the message came from.'),
  created_at: z.string(),
  message: z.string().describe(`At most ${headCharsMax} characters.`),
  reply: z.string().nullable().describe(`At most ${headCharsMax} characters.`),
});

export const listJobsTool = doorTool({
  name: 'list_jobs',
  title: 'List jobs',
  description:
    'Lists the jobs of the person, newest first, with the beginning of message and reply.',
  input: z.object({
    state: z.enum(jobStates).optional().describe('Only jobs in this state.'),
    limit: z.coerce.number().int().min(1).max(50).default(20),
    cursor: z.string().max(64).optional().describe('next of the page before.'),
  }),
  output: z.object({ jobs: z.array(listedJob), next: z.string().nullable() }),
  hints: { readOnlyHint: true, openWorldHint: false },
  async run(service, { state, limit, cursor }) {
    const page = await service.jobs({
      limit,
      ...(state === undefined ? {} : { state }),
      ...(cursor === undefined ? {} : { cursor }),
    });
    const jobs = page.jobs.map((job) => ({
      job_id: job.job_id,
      state: job.state,
      outcome: job.outcome,
      channel: job.channel,
      created_at: job.created_at,
      message: cutText(job.message, headCharsMax),
      reply: job.reply === null ? null : cutText(job.reply, headCharsMax),
    }));
    const lines = jobs.map(
      (job) =>
        `${job.job_id}  ${job.created_at}  ${job.outcome ?? job.state}: ${oneLine(job.message)}`,
    );
    const more = page.next === null ? [] : [`There are more: cursor ${page.next}`];
    const text = lines.length === 0 ? 'There are no such jobs.' : [...lines, ...more].join('\n');
    return { text, data: { jobs, next: page.next } };
  },
});

/** Resolves when the job has ended or waits for a person, after `seconds`, or when the call is aborted. */
async function waitFor(
  service: DoorService,
  id: string,
  seconds: number,
  call: DoorCall,
): Promise<void> {
  const decided = new AbortController();
  const limit = AbortSignal.timeout(seconds * 1_000);
  const signal = AbortSignal.any([call.signal, limit, decided.signal]);
  await service.follow(
    id,
    (event) => {
      if (signal.aborted) return;
      const message = progressOf(event);
      if (message !== null) call.progress(message);
      if (isDraft(event)) decided.abort();
    },
    signal,
  );
}

const labels = new Map(jobStateRows.map(({ name, label }) => [name, label]));

/** The stage of the job as one line; null: the event is not about the stage. */
function progressOf({ type, state, data }: StateEvent): string | null {
  if (type === 'state') return labels.get(state) ?? state;
  return type === 'processing' ? oneLine(String(data['message'])) : null;
}

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

const isDraft = ({ type, data }: StateEvent): boolean =>
  type === 'result' && data['final'] === false;

async function resultOf(service: DoorService, id: string): Promise<DoorResult<JobResult>> {
  const job = await service.job(id);
  const draft = job.state === confirmState ? await draftOf(service, id) : null;
  const isEnded = finalStates.has(job.state);
  const reply = job.reply === null ? null : cutText(job.reply, replyCharsMax);
  const data: JobResult = {
    job_id: id,
    conversation: job.thread,
    status: isEnded ? 'ended' : draft === null ? 'running' : 'waits_for_person',
    state: job.state,
    outcome: job.outcome,
    reply,
    reply_cut: reply !== job.reply,
    draft,
    decide_at: draft === null ? null : service.decideAt(id),
    error_code: job.cause?.code ?? null,
  };
  return { text: textOf(data, job), data, isError: job.outcome === 'failed' };
}

function textOf({ job_id: id, status, reply, draft, decide_at: place }: JobResult, job: JobView) {
  const about = `(job ${id}${job.thread === null ? '' : `, conversation ${job.thread}`})`;
  if (status === 'waits_for_person') {
    return `${draft}\n\nThis is a draft. Nothing was written. Only the person can confirm or drop it, at ${place} or with POST /chat/${id}/confirm; a message of yours cannot. Tell the person so. ${about}`;
  }
  if (status === 'running') {
    return `The job is not ready (${labels.get(job.state) ?? job.state}). Read its reply later with get_job. ${about}`;
  }
  const code = job.cause === null ? '' : `\n${job.cause.code}`;
  return `${reply ?? ''}${code}\n\n${about}`;
}

/** The draft without the question after it, which is for the person. */
async function draftOf(service: DoorService, id: string): Promise<string> {
  const shown = (await service.events(id)).findLast(isDraft);
  if (shown === undefined) throw new GatehouseError('GH_JOB_CONFLICT', 'The draft is changing');
  const content = String(shown.data['content']);
  const question = (['ko', 'en'] as const)
    .map((locale) => textsOf(locale).askConfirm(''))
    .find((text) => content.endsWith(text));
  return cutText(content.slice(0, content.length - (question?.length ?? 0)), replyCharsMax);
}
