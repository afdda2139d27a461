/**
 * Clients besides the chat: an HTTP client that follows and cancels its jobs, writes memos and calls backends by
 * name; a NATS client with durable submits; an unauthorized client of the webhook. The HTTP and NATS clients retry
 * with the same key until a message is accepted.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { jetstream } from '@nats-io/jetstream';
import type { NatsConnection } from 'nats';
import { CoreClient } from '#http/client/core-client';
import type { StateEvent } from '#shared/wire/state-event';
import type { Random } from '#simulators/random';
import { createCoreApiClient, type CoreApiClient } from './core-api-client.ts';
import { createMessageWriter, type Ledger } from './ledger.ts';
import { requestPhrases } from './marks.ts';
import type { Sent } from './observations.ts';
import type { ChaosEnvironment } from './chaos-environment.ts';

export interface ClientOptions {
  world: ChaosEnvironment;
  ledger: Ledger;
  random: Random;
  pauseMs: number;
  isOver(): boolean;
}

/** A job that takes longer is checked in the journal only. */
const followMsMax = 30_000;

export async function runHttpClient(options: ClientOptions, n: number): Promise<void> {
  const { world, ledger, random, pauseMs, isOver } = options;
  const userId = `http${n}`;
  const pen = createMessageWriter(ledger, 'http', userId, `h${n}`);
  const urls = world.cores.map(({ url }) => url);
  const api = createCoreApiClient(urls, world.apiKey);
  const clients = urls.map((url) => new CoreClient(url, world.apiKey));
  const following: Promise<void>[] = [];
  const submit = async (text: string): Promise<[Sent, string | null]> => {
    const sent = pen.write(text);
    const body = { message: sent.text, user_id: userId, idempotency_key: `key-${sent.n}` };
    const answers = await Promise.all([
      api.callUntilAnswered('POST', '/chat', body),
      // The same request again, as after a lost response.
      ...(random() < 0.2 ? [api.callUntilAnswered('POST', '/chat', body)] : []),
    ]);
    const ids = answers.flatMap(({ status, body: made }) => (status === 202 ? [made.job_id] : []));
    const jobId = (ids[0] as string | undefined) ?? null;
    if (jobId !== null) sent.accepted = { jobId };
    return [sent, jobId];
  };
  const follow = (jobId: string): void => {
    const events: StateEvent[] = [];
    ledger.followed.set(jobId, events);
    const listener = {
      event: (event: StateEvent) => void events.push(event),
      token() {},
      lost() {},
    };
    const signal = AbortSignal.timeout(followMsMax);
    const client = clients[Math.floor(random() * clients.length)]!;
    following.push(client.follow(jobId, listener, signal).catch(() => undefined));
  };
  const acts: readonly [weight: number, act: () => Promise<unknown>][] = [
    [
      40,
      async () => {
        const [, jobId] = await submit(random() < 0.5 ? requestPhrases.plain : requestPhrases.deep);
        if (jobId !== null) follow(jobId);
      },
    ],
    [20, () => cancelOne({ api, ledger, random }, () => submit(requestPhrases.slow))],
    [
      15,
      async () => {
        const [{ mark }, jobId] = await submit(requestPhrases.draft);
        if (jobId === null) return;
        await sleep(1_500);
        const verb = random() < 0.7 ? 'confirm' : 'reject';
        if (verb === 'confirm') ledger.consented.add(mark!);
        const tell = () => api.call('POST', `/chat/${jobId}/${verb}`, {});
        await Promise.all(random() < 0.5 ? [tell()] : [tell(), tell()]);
      },
    ],
    [10, () => writeMemo({ api, ledger, random }, userId)],
    [15, () => askByName({ api, ledger, random }, world)],
  ];
  await runActor(acts, { random, pauseMs, isOver });
  await Promise.all(following);
}

interface ClientContext {
  api: CoreApiClient;
  ledger: Ledger;
  random: Random;
}

async function cancelOne(
  { api, ledger, random }: ClientContext,
  submit: () => Promise<[Sent, string | null]>,
): Promise<void> {
  const [, jobId] = await submit();
  if (jobId === null) return;
  await sleep(1_200 * random());
  const wasCalm = ledger.isCalm;
  const began = performance.now();
  const answer = await api.call('POST', `/chat/${jobId}/cancel`, {});
  const tookMs = Math.round(performance.now() - began);
  if (answer?.status !== 202) return;
  ledger.cancels.push({ jobId, tookMs, isCalm: wasCalm && ledger.isCalm });
}

async function writeMemo({ api, ledger, random }: ClientContext, userId: string): Promise<void> {
  const n = ledger.memos.length + 1;
  // Characters that editors and careless code change: line ends, spaces, combining marks, quotes, markup.
  const text = `메모 ${n}\r\n\t회의 \u0065\u0301 "내용" <b>&amp;</b>\n\n${'할 일 하나. '.repeat(3 + Math.floor(random() * 30))} \n`;
  const made = await api.call('POST', '/memos', { text, user_id: userId });
  if (made?.status !== 201) return;
  const id = made.body.id as string;
  ledger.memos.push({ id, userId, text });
  await api.callUntilAnswered('POST', `/memos/${id}/promote-to-document`, { user_id: userId });
}

async function askByName(
  { api, ledger, random }: ClientContext,
  world: ChaosEnvironment,
): Promise<void> {
  const names = ['small', 'large', ...(world.llama === null ? [] : ['llama'])];
  const asked = names[Math.floor(random() * names.length)]!;
  const body = { model: asked, messages: [{ role: 'user', content: '안녕' }] };
  const answer = await api.call('POST', '/v1/chat/completions', body);
  if (answer === null) return;
  const { status, body: got } = answer;
  const content = status === 200 ? String(got.choices?.[0]?.message?.content) : null;
  // Only the fake models put their name into the answer.
  const servedBy =
    content === null
      ? null
      : (/\[(small|large)\]/.exec(content)?.[1] ?? got.gatehouse?.backend ?? null);
  ledger.explicit.push({ asked, status, servedBy, errorReason: got?.error?.error_reason ?? null });
}

/** Submits over NATS as a program that must not lose a message. */
export async function runNatsClient(options: ClientOptions, nc: NatsConnection): Promise<void> {
  const { ledger, random } = options;
  const userId = 'nats1';
  const pen = createMessageWriter(ledger, 'nats', userId, 'n1');
  const submit = async (text: string): Promise<void> => {
    const sent = pen.write(text);
    const body = JSON.stringify({ message: sent.text, user_id: userId, channel: 'nats' });
    const put = () =>
      jetstream(nc).publish('gatehouse.v1.cmd.submit.nats', body, {
        msgID: `nats:${sent.n}`,
        timeout: 2_000,
      });
    while (sent.accepted === null) {
      try {
        await put();
        sent.accepted = { jobId: null };
        if (random() < 0.2) await put().catch(() => null);
      } catch {
        await sleep(200);
      }
    }
  };
  const ask = async (): Promise<void> => {
    const [last] = ledger.sent.filter((sent) => typeof sent.accepted?.jobId === 'string').slice(-1);
    const body = JSON.stringify({ job_id: last?.accepted?.jobId ?? 'none' });
    await nc.request('gatehouse.v1.svc.job.get', body, { timeout: 1_000 }).catch(() => null);
  };
  await runActor(
    [
      [70, () => submit(random() < 0.6 ? requestPhrases.plain : requestPhrases.deep)],
      [30, ask],
    ],
    options,
  );
}

/** Sends unauthorized or invalid requests to the webhook, which must refuse each of them at any time. */
export async function runUnauthorizedClient(options: ClientOptions): Promise<void> {
  const { world, ledger, random } = options;
  const [token] = world.secrets;
  const form = { token: token!, user_id: '4', username: 'x', post_id: '1', timestamp: '1' };
  const cases: readonly [what: string, fields: Record<string, string>, expected: number[]][] = [
    ['an empty message', { ...form, text: '  ' }, [400]],
    ['a wrong token', { ...form, token: 'wrong', text: '안녕' }, [401, 429]],
    ['a person who is not allowed', { ...form, user_id: '99999', text: '안녕' }, [403]],
  ];
  const knock = async (): Promise<void> => {
    const [what, fields, expected] = cases[Math.floor(random() * cases.length)]!;
    try {
      const response = await fetch(`${world.bridgeUrl}/webhook/synology`, {
        method: 'POST',
        body: new URLSearchParams(fields),
        signal: AbortSignal.timeout(10_000),
      });
      ledger.refusals.push({ what, expected, status: response.status });
    } catch {
      // Without a response there is nothing to check.
    }
  };
  await runActor([[1, knock]], { ...options, pauseMs: options.pauseMs * 3 });
}

async function runActor(
  acts: readonly [weight: number, act: () => Promise<unknown>][],
  { random, pauseMs, isOver }: Pick<ClientOptions, 'random' | 'pauseMs' | 'isOver'>,
): Promise<void> {
  const total = acts.reduce((sum, [weight]) => sum + weight, 0);
  // Every action runs once first, so that a short storm has all of them.
  for (const [, act] of acts) {
    if (!isOver()) await act();
  }
  while (!isOver()) {
    await sleep(pauseMs * (0.3 + 1.4 * random()));
    if (isOver()) return;
    let drawn = random() * total;
    const [, act] = acts.find(([weight]) => (drawn -= weight) < 0) ?? acts[0]!;
    await act();
  }
}
