/**
 * The model servers of the storm. Without a failure they answer with the mark of the question and their own name;
 * with a failure they fail in every way of the fake models. They count their concurrent requests (P6), and record
 * when there are more than the configuration allows.
 */
import type { Random } from '#simulators/random';
import { startGateProxy } from '#http/gate-proxy/gate-proxy';
import { silentLog } from '#shared/log';
import { startFakeLlm, type FakeLlm } from '#test/support/fake-llm';
import { failingShapes } from '#test/support/fake-llm-failing-shapes';
import {
  breaksAfter,
  cutsAfter,
  fails,
  loading,
  raw,
  says,
  saysJson,
  saysNothing,
  stalls,
  stallsAfter,
  thinksOnly,
  type FakeExchange,
  type FakeReply,
} from '#test/support/fake-llm-replies';
import { draftTitle, lastMarkIn, requestPhrases } from './marks.ts';
import type { Overlap } from './observations.ts';

export const modelFailures = ['error', 'cut', 'stall', 'garbage', 'silence'] as const;
export type ModelFailure = (typeof modelFailures)[number];

export interface StormModel {
  readonly name: string;
  readonly concurrency: number;
  readonly llm: FakeLlm;
  /** Of the server, or of the gate proxy before it. */
  readonly baseUrl: string;
  readonly overlaps: readonly Overlap[];
  readonly requests: number;
  /** Null: no failure. Otherwise about two of three requests fail in this way. */
  setFailure(failure: ModelFailure | null): void;
  close(): Promise<void>;
}

export interface StormModelOptions {
  name: string;
  concurrency: number;
  random: Random;
  /** Requests reach it through a gate proxy only. */
  withGateProxy?: boolean;
}

const failingReplies: Record<ModelFailure, readonly FakeReply[]> = {
  error: [fails(500), fails(502, '<html>Bad Gateway</html>'), fails(429), loading()],
  cut: [cutsAfter('반쪽 답', 'reset'), cutsAfter('반쪽 답'), cutsAfter('', 'reset')],
  stall: [stalls(), stallsAfter('반쪽 답')],
  garbage: [
    ...failingShapes.map(({ bytes, options }) => raw(bytes, options)),
    breaksAfter('반쪽 답'),
    says('{"action": "dir'),
    says('답은 이렇습니다: { action: 뭐 }'),
  ],
  silence: [saysNothing(), thinksOnly()],
};

export async function startStormModel(options: StormModelOptions): Promise<StormModel> {
  const { name, concurrency, random, withGateProxy = false } = options;
  let weather: ModelFailure | null = null;
  let running: { endedByClientAt: number | null }[] = [];
  const overlaps: Overlap[] = [];
  const reply: FakeReply = async (exchange) => {
    const mine = { endedByClientAt: null };
    running.push(mine);
    if (running.length > concurrency) {
      const overlap: Overlap = {
        model: name,
        at: Date.now(),
        overlapMs: 0,
        running: running.length,
        isBehindProxy: withGateProxy,
      };
      overlaps.push(overlap);
      void recordOverlap(overlap, exchange, () => running.length <= concurrency);
    }
    try {
      const picks = weather === null ? [] : failingReplies[weather];
      const isBad = picks.length > 0 && random() < 2 / 3;
      const picked = picks[Math.floor(random() * picks.length)];
      await (isBad && picked !== undefined ? picked : goodReply(name))(exchange);
    } finally {
      running = running.filter((one) => one !== mine);
    }
  };
  const llm = await startFakeLlm({ reply });
  const proxy = withGateProxy ? await proxyBefore(llm, concurrency) : null;
  return {
    name,
    concurrency,
    llm,
    baseUrl: proxy === null ? llm.baseUrl : `${proxy.url}/v1`,
    overlaps,
    get requests() {
      return llm.requests.length;
    },
    setFailure: (failure) => void (weather = failure),
    async close() {
      await proxy?.close();
      await llm.close();
    },
  };
}

const proxyBefore = (llm: FakeLlm, concurrency: number) =>
  startGateProxy({
    target: new URL(`http://127.0.0.1:${llm.port}`),
    host: '127.0.0.1',
    port: 0,
    concurrency,
    allowUnfenced: false,
    log: silentLog(),
  });

/** Measures the duration of an overlap: a server needs a moment to notice a closed connection. */
async function recordOverlap(
  overlap: Overlap,
  { gone }: FakeExchange,
  isOver: () => boolean,
): Promise<void> {
  const began = performance.now();
  while (!isOver() && !gone.aborted) await new Promise((resolve) => setTimeout(resolve, 5));
  overlap.overlapMs = Math.round(performance.now() - began);
}

const goodReply =
  (name: string): FakeReply =>
  (exchange) => {
    const { messages } = exchange.request.body;
    const text = (index: number): string => {
      const content = messages.at(index)?.content;
      return typeof content === 'string' ? content : '';
    };
    const [system, last] = [text(0), text(-1)];
    if (last.includes('<memo>')) return says(`# 정리\n\n- ${memoOf(last)}`)(exchange);
    if (system.includes('분류기')) return saysJson(decisionOn(last, name))(exchange);
    const isSlow = last.includes(requestPhrases.slow);
    return says(replyTo(last, name), { wordMs: isSlow ? 40 : 0 })(exchange);
  };

const memoOf = (prompt: string): string =>
  (/<memo>\n([^]*)\n<\/memo>/.exec(prompt)?.[1] ?? '').slice(0, 200);

function decisionOn(prompt: string, name: string): Record<string, unknown> {
  const mark = lastMarkIn(prompt) ?? '';
  // The history precedes the message in the prompt.
  const message = prompt.slice(prompt.lastIndexOf('[메시지]'));
  if (message.includes(requestPhrases.draft)) {
    const params = { title: draftTitle(mark), date: '2031-03-05', time: '15:00' };
    return { action: 'tools', tool: 'calendar', operation: 'create_draft', params };
  }
  if (message.includes(requestPhrases.look)) {
    const params = { date_from: '2031-03-01', date_to: '2031-03-02' };
    return { action: 'tools', tool: 'calendar', operation: 'search', params };
  }
  if (message.includes('깊이')) return { action: 'route', prompt: message };
  if (message.includes(requestPhrases.ask))
    return { action: 'clarify', response: `무엇을요? ${mark}` };
  return { action: 'direct', response: replyTo(message, name) };
}

/** Every line of a long answer contains the mark, so that each part can be identified in the chat. */
function replyTo(prompt: string, name: string): string {
  const mark = lastMarkIn(prompt) ?? '';
  const lines = prompt.includes(requestPhrases.long)
    ? 110
    : prompt.includes(requestPhrases.slow)
      ? 10
      : 0;
  const middle = Array.from({ length: lines }, (_, n) => `${n + 1}째 줄 ${mark} 가나다라마바사아`);
  return [`답 ${mark} [${name}]`, ...middle].join('\n');
}
