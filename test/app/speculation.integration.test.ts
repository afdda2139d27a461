/** A question is sent to the reasoner while it is classified: the whole path, with real gates and model servers. */
import { describe, expect, onTestFinished, test } from 'vitest';
import { direct, follow, openCore, routed, type CoreFixture } from '#test/support/core';
import { after, fails, pausesAfter, says, stallsAfter } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';

async function open(speculate: 'auto' | 'always' | 'never' = 'always'): Promise<CoreFixture> {
  const fixture = await openCore({ jobs: { speculate } });
  onTestFinished(() => fixture.close());
  return fixture;
}

/** A barrier that the test opens. */
const barrier = () => Promise.withResolvers<void>();

const speculationOf = async ({ core }: CoreFixture) => {
  const response = await fetch(`${core.url}/backends`);
  const { backends } = (await response.json()) as {
    backends: { id: string; speculation?: Record<string, number> }[];
  };
  return backends.find(({ id }) => id === 'large')!.speculation!;
};

const question = 'why does the tide come twice a day';

describe('a question that is classified', () => {
  test('is asked in advance, and its job has the events and tokens as without that', async () => {
    const plain = await open('never');
    plain.small.script(routed);
    plain.large.script(says('The moon pulls'));
    const expected = await plain.ask(question);

    const fixture = await open();
    const decision = barrier();
    fixture.small.script(after(decision.promise, routed));
    const rest = barrier();
    fixture.large.script(pausesAfter('The moon', rest.promise, ' pulls'));
    const asked = fixture.ask(question);
    await fixture.large.arrived(1);
    expect(fixture.small.open).toBe(1);
    decision.resolve();
    await until(async () => (await speculationOf(fixture))['adopted'] === 1);
    rest.resolve();
    const { types, tokens, end } = await asked;
    expect(types).toEqual(expected.types);
    expect(tokens.map(({ content }) => content).join('')).toBe('The moon pulls');
    expect(end.data).toEqual(expected.end.data);
    expect(fixture.large.requests).toHaveLength(1);
    expect(fixture.large.requests[0]!.body).toEqual(plain.large.requests[0]!.body);
  });

  test('and is answered directly leaves nothing of the other answer', async () => {
    const fixture = await open();
    const decision = barrier();
    fixture.small.script(after(decision.promise, direct('A short answer')));
    fixture.large.script(stallsAfter('A long answer'));
    const asked = fixture.ask(question);
    const early = await fixture.large.arrived(1);
    decision.resolve();
    const { end, events, tokens } = await asked;
    expect((await early.closed).closedBy).toBe('client');
    expect(end.data).toMatchObject({ outcome: 'answered', reply: 'A short answer' });
    expect(JSON.stringify([events, tokens])).not.toContain('long');
    expect(await speculationOf(fixture)).toMatchObject({ adopted: 0, discarded: 1 });
  });

  test('and is cancelled ends its request in advance', async () => {
    const fixture = await open();
    fixture.small.script(stallsAfter(''));
    fixture.large.script(stallsAfter('A long answer'));
    const jobId = await fixture.client.submit({ message: question });
    const early = await fixture.large.arrived(1);
    await fixture.client.controlJob(jobId, 'cancel');
    expect((await early.closed).closedBy).toBe('client');
    expect((await follow(fixture.client, jobId)).end.type).toBe('cancelled');
  });

  test('gives its slot to any other request, and asks again when it is routed', async () => {
    const fixture = await open();
    const decision = barrier();
    fixture.small.script(after(decision.promise, routed));
    fixture.large.script(stallsAfter('Too early'), says('To you'), says('In time'));
    const asked = fixture.ask(question);
    await fixture.large.arrived(1);
    const other = await fetch(`${fixture.core.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'large', messages: [{ role: 'user', content: 'hello' }] }),
    });
    expect(await other.text()).toContain('To you');
    decision.resolve();
    const { end, tokens } = await asked;
    expect(end.data['reply']).toBe('In time');
    expect(tokens.map(({ content }) => content).join('')).toBe('In time');
    expect(fixture.large.overlapMax).toBe(1);
    expect(await speculationOf(fixture)).toMatchObject({ adopted: 0, preempted: 1 });
  });

  test('is not asked in advance while the reasoner works for another', async () => {
    const fixture = await open();
    const [first, second] = [barrier(), barrier()];
    fixture.small.script(routed, after(second.promise, direct('Short')));
    fixture.large.script(after(first.promise, says('Long')));
    const ann = fixture.ask(question, { user_id: 'ann' });
    await fixture.large.arrived(1);
    await until(async () => (await speculationOf(fixture))['adopted'] === 1);
    const bob = fixture.ask('what is a tide', { user_id: 'bob' });
    await fixture.small.arrived(2);
    await until(async () => (await speculationOf(fixture))['busy'] === 1);
    second.resolve();
    expect((await bob).end.data['reply']).toBe('Short');
    first.resolve();
    expect((await ann).end.data['reply']).toBe('Long');
    expect(fixture.large.requests).toHaveLength(1);
  });

  test('gets the answer of the reasoner when the request in advance has failed', async () => {
    const fixture = await open();
    const decision = barrier();
    fixture.small.script(after(decision.promise, routed));
    fixture.large.script(fails(500), says('The moon'));
    const asked = fixture.ask(question);
    await until(async () => (await speculationOf(fixture))['failed'] === 1);
    decision.resolve();
    expect((await asked).end.data['reply']).toBe('The moon');
  });
});

test('With auto a question is asked in advance after five that were routed', async () => {
  const fixture = await open('auto');
  for (let n = 1; n <= 6; n += 1) {
    fixture.small.script(routed);
    fixture.large.script(says(`Answer ${n}`));
    const { end } = await fixture.ask(`${question}, number ${n}`);
    expect(end.data['reply']).toBe(`Answer ${n}`);
  }
  expect(await speculationOf(fixture)).toMatchObject({ adopted: 1, routed_share: 1 });
  expect(fixture.large.requests).toHaveLength(6);
});
