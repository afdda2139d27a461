/** `gatehouse mcp serve`: the tools of a running core for an MCP client that starts its servers as processes. */
import { ofUser, RefusedError, CommandError, type CoreClient } from '#http/client/core-client';
import type { AskResult } from '#http/routes/ask-response';
import type { DoorHit, DoorService } from '#http/mcp/door-service';
import { doorChannel } from '#shared/wire/conversation';
import { serveDoorOnStdio } from '#http/mcp/door-stdio';
import type { QueuePosition } from '#machines/job-types';
import { remedies } from '#shared/error-remedies';
import { errorTable, GatehouseError, messageOf, type ErrorCode } from '#shared/errors';
import { ownVersion } from '#shared/own-version';
import type { JobView } from '#shared/wire/job-service';
import { userOfKey } from './shown-drafts.ts';

/** Standard output belongs to the protocol: all else is written to standard error. */
export const serveMcp = (client: CoreClient, user: string | undefined): Promise<void> =>
  serveDoorOnStdio({
    service: remoteService(client, user),
    version: ownVersion(),
    onError: (error) => void process.stderr.write(`gatehouse mcp serve: ${messageOf(error)}\n`),
  });

/** The tools of the door over the HTTP API. @param asked the person; undefined: that of the key, else `local` */
function remoteService(client: CoreClient, asked: string | undefined): DoorService {
  let known = asked;
  const user = async (): Promise<string> => {
    known ??= (await userOfKey(client)) ?? 'local';
    return known;
  };
  const query = async (fields: Record<string, string>): Promise<string> =>
    new URLSearchParams({ ...fields, ...ofUser(await user()) }).toString();
  /** @throws GH_JOB_NOT_FOUND also for a job of another person: the key may be the operator's */
  const job = async (id: string): Promise<JobView> => {
    const found = await client.job(id);
    if (found.user_id !== (await user())) throw new GatehouseError('GH_JOB_NOT_FOUND');
    return found;
  };
  return {
    job,
    async submit({ message, conversation }) {
      // `draft: null`: the message answers no draft.
      const place = { channel: doorChannel, thread: conversation, draft: null };
      return client.submit({ message, ...place, user_id: await user() });
    },
    async follow(id, onEvent, signal) {
      await job(id);
      const listener = { event: onEvent, token: () => undefined, lost: () => undefined };
      await client.follow(id, listener, signal);
    },
    async events(id) {
      await job(id);
      return client.events(id);
    },
    jobs: async ({ limit, state, cursor }) =>
      client.jobs({
        ...ofUser(await user()),
        limit: String(limit),
        ...(state === undefined ? {} : { state }),
        ...(cursor === undefined ? {} : { cursor }),
      }),
    async cancel(id) {
      await job(id);
      await client.controlJob(id, 'cancel');
    },
    ask: async (question, onQueued, signal) =>
      ask(client, { query: question, user_id: await user() }, onQueued, signal),
    async search(words, limit) {
      const path = `/documents/search?${await query({ q: words, limit: String(limit) })}`;
      return (await client.request<{ results: DoorHit[] }>('GET', path)).results;
    },
    document: async (id) =>
      client.request('GET', `/documents/${encodeURIComponent(id)}?${await query({})}`),
    addMemo: async (memo) => client.request('POST', '/memos', { ...memo, user_id: await user() }),
    decideAt: (id) => `${client.url}/inspect#/jobs/${id}`,
    describe,
  };
}

/** @throws CommandError with the error of the core */
async function ask(
  client: CoreClient,
  body: { query: string; user_id: string },
  onQueued: (position: QueuePosition) => void,
  signal: AbortSignal,
): Promise<AskResult> {
  for await (const { type, data } of client.answer('/ask', body, signal)) {
    if (type === 'result') return data as unknown as AskResult;
    if (type === 'processing') onQueued(data['queue'] as QueuePosition);
    if (type === 'error') {
      throw new GatehouseError(data['code'] as ErrorCode, String(data['detail']));
    }
  }
  throw new CommandError('the connection to the core was lost before the answer was complete');
}

function describe(error: unknown): ReturnType<DoorService['describe']> {
  const code = error instanceof RefusedError || error instanceof GatehouseError ? error.code : null;
  if (code === null || !Object.hasOwn(errorTable, code)) {
    return { code, message: messageOf(error), remedy: null };
  }
  // The client of the commands adds the code, which stands before the text here.
  const message = messageOf(error).replace(` (${code})`, '');
  return { code, message, remedy: remedies[code as ErrorCode] };
}
