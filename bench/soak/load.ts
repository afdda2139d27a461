/** A steady stream of people: most are answered at once, some need thought, some change their mind. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createCoreClient, type CoreClient } from '../../src/cli/core-client.ts';
import { startFakeLlm, type FakeLlm } from '../../test/support/fake-llm.ts';
import { says, saysJson, stalls, type FakeReply } from '../../test/support/fake-llm-replies.ts';

/** Ten messages that come again and again; the last words say what becomes of them. */
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
  /** What went wrong, by its text; empty when nothing did. */
  readonly faults: ReadonlyMap<string, number>;
  /** Resolves when nobody waits any more. */
  stop(): Promise<void>;
}

/** `perSecond` messages, evenly, whatever becomes of those before. */
export function startLoad(url: string, perSecond: number): Load {
  const client = createCoreClient(url, null);
  const faults = new Map<string, number>();
  const open = new Set<Promise<void>>();
  let sent = 0;
  const timer = setInterval(() => {
    sent += 1;
    const one = person(client, sent)
      .catch((error: unknown) => {
        const text = String(error).slice(0, 100);
        faults.set(text, (faults.get(text) ?? 0) + 1);
      })
      .finally(() => open.delete(one));
    open.add(one);
  }, 1_000 / perSecond);
  return {
    get sent() {
      return sent;
    },
    faults,
    async stop() {
      clearInterval(timer);
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
    await client.tell(jobId, 'cancel');
  }
  if (kind === 'book') {
    while ((await client.job(jobId)).state !== 'confirm-draft') await sleep(100);
    await client.tell(jobId, 'reject');
  }
  const silent = { event: () => undefined, token: () => undefined, lost: () => undefined };
  await client.follow(jobId, silent, AbortSignal.timeout(60_000));
}
