/** Speculative requests with a scripted reasoner: which are sent, who gets their text, how each ends. */
import { beforeEach, describe, expect, test } from 'vitest';
import { Speculation, type SpeculationOptions } from '#jobs/effects/speculation';
import type { Backend, ModelOutcome, ModelRequest, RunOptions } from '#shared/model/model';

const question: ModelRequest = { messages: [{ role: 'user', content: 'why is the sky blue' }] };
const timings = { queueMs: 0, firstTokenMs: 1, totalMs: 2 };

const answerOf = (text: string): ModelOutcome => ({
  ok: true,
  backend: 'large',
  text,
  toolCalls: [],
  finishReason: 'stop',
  usage: null,
  timings,
});

const failureOf = (errorReason: 'preempted' | 'queue_full' | 'http_5xx'): ModelOutcome => ({
  ok: false,
  backend: 'large',
  errorReason,
  message: errorReason,
  status: null,
  partialText: '',
  retryAfterMs: null,
  timings,
});

/** One request at the reasoner, which the test grants, streams and ends. */
class Exchange {
  readonly request: ModelRequest;
  readonly run: RunOptions;
  readonly outcome: Promise<ModelOutcome>;
  end!: (outcome: ModelOutcome) => void;
  adopted = 0;

  constructor(request: ModelRequest, run: RunOptions) {
    this.request = request;
    this.run = run;
    this.outcome = new Promise((resolve) => {
      this.end = resolve;
    });
  }

  grant(): void {
    this.run.speculative!.granted(() => (this.adopted += 1));
  }
}

let exchanges: Exchange[];
let speculation: Speculation;
let classification: AbortController;

function open(change: Partial<SpeculationOptions> = {}): Speculation {
  const reasoner: Backend = {
    id: 'large',
    model: 'm',
    pictureTypes: [],
    run(request, run) {
      const exchange = new Exchange(request, run);
      exchanges.push(exchange);
      return exchange.outcome;
    },
  };
  speculation = new Speculation({
    mode: 'always',
    reasoner: () => reasoner,
    canSpeculate: () => true,
    isFreeToUse: () => true,
    ...change,
  });
  return speculation;
}

beforeEach(() => {
  exchanges = [];
  classification = new AbortController();
  open();
});

const flush = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

async function begin(jobId = 'j1', user = 'ann', request = question): Promise<Exchange> {
  const call = { jobId, user, traceparent: undefined, signal: classification.signal };
  speculation.begin(call, async () => request);
  await flush();
  return exchanges.at(-1)!;
}

const decide = (isRouted: boolean | null, jobId = 'j1', user = 'ann') =>
  speculation.decided({ user, jobId }, isRouted);

/** The job asks the reasoner; returns its texts and its outcome. */
function ask(request = question, jobId = 'j1') {
  const texts: string[] = [];
  const cancel = new AbortController();
  const run: RunOptions = {
    kind: 'reason',
    priority: 'foreground',
    user: 'ann',
    jobId,
    signal: cancel.signal,
    onText: (text, replace) => texts.push(replace ? `!${text}` : text),
  };
  return { texts, cancel, outcome: speculation.run(request, run) };
}

const endsThatHappened = () =>
  Object.fromEntries(Object.entries(speculation.figures.ends).filter(([, count]) => count > 0));

describe('a request in advance', () => {
  test('is continued by its job, with the text so far and the text to come', async () => {
    const early = await begin();
    early.grant();
    early.run.onText!('Because ', false);
    decide(true);
    const { texts, outcome } = ask();
    early.run.onText!('of scattering', false);
    early.end(answerOf('Because of scattering'));
    expect(await outcome).toMatchObject({ ok: true, timings: { aheadMs: expect.any(Number) } });
    expect(texts).toEqual(['Because ', 'of scattering']);
    expect(early.adopted).toBe(1);
    expect(exchanges).toHaveLength(1);
    expect(endsThatHappened()).toEqual({ adopted: 1 });
  });

  test('that was answered before the decision is the answer', async () => {
    const early = await begin();
    early.grant();
    early.run.onText!('Done', false);
    early.end(answerOf('Done'));
    await flush();
    decide(true);
    const { texts, outcome } = ask();
    expect(await outcome).toMatchObject({ ok: true, text: 'Done' });
    expect(texts).toEqual(['Done']);
    expect(exchanges).toHaveLength(1);
  });

  test.each([false, null])('is aborted when the decision is %s', async (decision) => {
    const early = await begin();
    early.grant();
    decide(decision);
    expect(early.run.signal.aborted).toBe(true);
    expect(endsThatHappened()).toEqual({ discarded: 1 });
  });

  test('is aborted with its classification', async () => {
    const early = await begin();
    early.grant();
    classification.abort();
    expect(early.run.signal.aborted).toBe(true);
    expect(endsThatHappened()).toEqual({ discarded: 1 });
  });

  test('is aborted when its job does not ask within two seconds', async () => {
    const early = await begin();
    early.grant();
    decide(true);
    await expect.poll(() => early.run.signal.aborted, { timeout: 5_000 }).toBe(true);
    expect(endsThatHappened()).toEqual({ discarded: 1 });
  });

  test('is not the answer to another request', async () => {
    const early = await begin();
    early.grant();
    early.run.onText!('the wrong ', false);
    decide(true);
    const other = { messages: [{ role: 'user' as const, content: 'why is the sea blue' }] };
    const { texts, outcome } = ask(other);
    expect(early.run.signal.aborted).toBe(true);
    exchanges[1]!.end(answerOf('Sea'));
    expect(await outcome).toMatchObject({ text: 'Sea' });
    expect(texts).toEqual([]);
  });

  test('is not the answer of another job', async () => {
    const early = await begin();
    early.grant();
    decide(true);
    ask(question, 'j2');
    expect(exchanges).toHaveLength(2);
    expect(early.adopted).toBe(0);
  });

  test.each([
    ['preempted', failureOf('preempted'), true],
    ['busy', failureOf('queue_full'), false],
    ['failed', failureOf('http_5xx'), true],
  ] as const)('that was %s is asked again by the job', async (end, failure, isGranted) => {
    const early = await begin();
    if (isGranted) early.grant();
    early.end(failure);
    await flush();
    decide(true);
    const { outcome } = ask();
    expect(exchanges).toHaveLength(2);
    expect(exchanges[1]!.run.speculative).toBeUndefined();
    exchanges[1]!.end(answerOf('Later'));
    expect(await outcome).toMatchObject({ text: 'Later' });
    expect(endsThatHappened()).toEqual({ [end]: 1 });
  });

  test('that is still not granted is asked again by the job', async () => {
    const early = await begin();
    decide(true);
    ask();
    expect(early.run.signal.aborted).toBe(true);
    expect(exchanges).toHaveLength(2);
  });

  test('whose prompt cannot be built is left to the job', async () => {
    const call = {
      jobId: 'j1',
      user: 'ann',
      traceparent: undefined,
      signal: classification.signal,
    };
    speculation.begin(call, () => Promise.reject(new Error('the database is away')));
    await flush();
    expect(endsThatHappened()).toEqual({ failed: 1 });
    decide(true);
    ask();
    expect(exchanges).toHaveLength(1);
  });

  test('is aborted when its job is cancelled after the adoption', async () => {
    const early = await begin();
    early.grant();
    decide(true);
    const { cancel } = ask();
    cancel.abort();
    expect(early.run.signal.aborted).toBe(true);
  });

  test('reports the failure after its adoption as the failure of the job', async () => {
    const early = await begin();
    early.grant();
    decide(true);
    const { outcome } = ask();
    early.end(failureOf('http_5xx'));
    expect(await outcome).toMatchObject({ ok: false, errorReason: 'http_5xx' });
    expect(exchanges).toHaveLength(1);
  });
});

describe('speculation', () => {
  const learn = (user: string, ...decisions: boolean[]): void => {
    for (const isRouted of decisions) decide(isRouted, 'other', user);
  };

  test('with auto begins when at least half of five decisions chose the reasoner', async () => {
    open({ mode: 'auto' });
    learn('ann', true, true, true, false);
    await begin();
    expect(exchanges).toHaveLength(0);
    learn('ann', false);
    await begin();
    expect(exchanges).toHaveLength(1);
  });

  test('with auto follows the user, and everybody for a user with few decisions', async () => {
    open({ mode: 'auto' });
    learn('ann', true, true, true, true, true);
    learn('bob', false, false, false, false, false);
    await begin('j1', 'bob');
    expect(exchanges).toHaveLength(0);
    await begin('j2', 'cho');
    expect(exchanges).toHaveLength(1);
  });

  test('with auto forgets what is more than twenty decisions ago', () => {
    open({ mode: 'auto' });
    learn('ann', ...Array.from({ length: 20 }, () => true));
    learn('ann', ...Array.from({ length: 20 }, () => false));
    expect(speculation.figures.routedShare).toBe(0);
  });

  test.each([
    ['never', true, true],
    ['auto', true, false],
    ['always', false, true],
  ] as const)(
    'with %s, another backend %s, free to use %s: sends nothing',
    async (mode, can, free) => {
      open({ mode, canSpeculate: () => can, isFreeToUse: () => free });
      learn('ann', true, true, true, true, true);
      await begin();
      expect(exchanges).toHaveLength(0);
    },
  );

  test('counts the time of the server that it saved and wasted', async () => {
    const early = await begin();
    early.grant();
    await new Promise((resolve) => setTimeout(resolve, 20));
    decide(false);
    const { savedMs, wastedMs } = speculation.figures;
    expect(savedMs).toBe(0);
    expect(wastedMs).toBeGreaterThan(0);
  });
});
