/**
 * A steady stream of messages: most are answered at once, some go to the reasoner, some are cancelled or changed.
 * Meanwhile memos are written, drafted and deleted, and a client reads all events.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { CoreClient } from '#http/client/core-client';
import { startFakeLlm, type FakeLlm } from '#test/support/fake-llm';
import { says, saysJson, stalls, type FakeReply } from '#test/support/fake-llm-replies';

/** Ten messages that repeat in turn; their last words select what happens to them. */
const kinds = [
  'hello',
  'hello',
  'hello',
  'hello',
  'think',
  'hello',
  'think',
  'book',
  'never',
  'hello',
];
const users = 50;
const answer = 'An answer of some length. '.repeat(20);
const draft = {
  action: 'tools',
  tool: 'calendar',
  operation: 'create_draft',
  params: { title: 'Dentist', date: '2031-03-05', time: '15:00' },
};

const classifies: FakeReply = (exchange) => {
  const text = JSON.stringify(exchange.request.body.messages.at(-1)?.content);
  if (text.includes('soak think')) return saysJson({ action: 'route' })(exchange);
  if (text.includes('soak book')) return saysJson(draft)(exchange);
  if (text.includes('soak never')) return stalls()(exchange);
  return saysJson({ action: 'direct', response: answer })(exchange);
};

export interface Models {
  small: FakeLlm;
  large: FakeLlm;
}

export const startModels = async (): Promise<Models> => ({
  small: await startFakeLlm({ reply: classifies }),
  large: await startFakeLlm({ reply: says(answer) }),
});

export interface Load {
  readonly sent: number;
  /** How often each error occurred, by its text; empty without errors. */
  readonly faults: ReadonlyMap<string, number>;
  /** Resolves when no client waits any more. */
  stop(): Promise<void>;
}

/**
 * Sends `perSecond` messages at even distances, without waiting for earlier ones; also a memo for every ten messages,
 * and always one reader of all events, for half a minute each.
 */
export function startLoad(url: string, perSecond: number): Load {
  const client = new CoreClient(url, null);
  const faults = new Map<string, number>();
  const open = new Set<Promise<void>>();
  let sent = 0;
  let memos = 0;
  const begin = (work: Promise<void>): void => {
    const one = work
      .catch((error: unknown) => {
        const text = String(error).slice(0, 100);
        faults.set(text, (faults.get(text) ?? 0) + 1);
      })
      .finally(() => open.delete(one));
    open.add(one);
  };
  const timers = [
    setInterval(() => begin(person(client, (sent += 1))), 1_000 / perSecond),
    setInterval(() => begin(memo(client, (memos += 1))), 10_000 / perSecond),
    setInterval(() => begin(onlooker(client)), lookMs),
  ];
  return {
    get sent() {
      return sent;
    },
    faults,
    async stop() {
      for (const timer of timers) clearInterval(timer);
      await Promise.all(open);
    },
  };
}

async function person(client: CoreClient, n: number): Promise<void> {
  const kind = kinds[n % kinds.length]!;
  const userId = `user-${n % users}`;
  const jobId = await client.submit({ message: `soak ${kind} ${n}`, user_id: userId });
  if (kind === 'never') {
    await sleep(200);
    await client.controlJob(jobId, 'cancel');
  }
  if (kind === 'book') {
    while ((await client.job(jobId)).state !== 'confirm-draft') await sleep(100);
    await client.controlJob(jobId, 'reject');
  }
  const silent = { event: () => undefined, token: () => undefined, lost: () => undefined };
  await client.follow(jobId, silent, AbortSignal.timeout(60_000));
}

/** Writes a memo, waits for its draft, searches for it, accepts the draft, deletes the document. */
async function memo(client: CoreClient, n: number): Promise<void> {
  const owner = { user_id: `user-${n % users}` };
  const text = `soak memo ${n}: buy milk, call the dentist, book the meeting room.`;
  const { id } = await client.request<{ id: string }>('POST', '/memos', { ...owner, text });
  await client.request('POST', `/memos/${id}/promote-to-document`, owner);
  const path = `/documents/${id}?user_id=${owner.user_id}`;
  const until = Date.now() + 60_000;
  for (;;) {
    const { md_content } = await client.request<{ md_content: string | null }>('GET', path);
    if (md_content !== null) break;
    if (Date.now() > until) throw new Error('a memo waited a minute for its draft');
    await sleep(500);
  }
  await client.request('POST', '/ask', { ...owner, query: `What about the dentist ${n}?` });
  await client.request('POST', `/documents/${id}/draft/accept`, owner);
  const answer = await fetch(client.url + path, { method: 'DELETE' });
  if (!answer.ok) throw new Error(`a memo could not be deleted: ${answer.status}`);
}

const lookMs = 30_000;

/** Reads all events over HTTP and keeps the inspector's page open, then disconnects. */
async function onlooker(client: CoreClient): Promise<void> {
  const gone = AbortSignal.timeout(lookMs);
  const socket = new WebSocket(`${client.url.replace('http', 'ws')}/inspect/ws`, ['gatehouse.v1']);
  await client.followAll(0, () => undefined, gone);
  socket.close();
}
