/** Every way in which the reasoner can fail: the event has the right error reason, and the user gets an answer. */
import { afterEach, describe, expect, test } from 'vitest';
import { openCore, routed, type CoreFixture } from '#test/support/core';
import {
  breaksAfter,
  cutsAfter,
  endless,
  fails,
  loading,
  raw,
  says,
  saysNothing,
  stalls,
  stallsAfter,
  thinksOnly,
  type FakeReply,
} from '#test/support/fake-llm-replies';

let fixture: CoreFixture;
afterEach(() => fixture.close());

const limits = { connect: 2_000, firstToken: 300, idle: 300, total: 1_000 };

const faults: [what: string, reply: FakeReply | null, reasons: string[]][] = [
  ['refuses the connection', null, ['connect_refused']],
  ['never says a first token', stalls(), ['timeout_first_token']],
  ['stalls in the middle', stallsAfter('반쪽'), ['timeout_idle']],
  ['cuts the stream in the middle', cutsAfter('반쪽'), ['connection_lost', 'truncated']],
  ['answers 500', fails(500), ['http_5xx']],
  ['is still loading its model', loading(), ['loading']],
  ['sends an error in the stream', breaksAfter('반쪽'), ['upstream_stream_error']],
  ['sends what is not JSON', raw('data: {oops\n\n'), ['bad_chunk', 'truncated']],
  ['gives an empty answer', saysNothing(), ['empty_answer']],
  ['never ends its answer', endless(), ['answer_too_long', 'timeout_total']],
  ['never ends its thinking', thinksOnly(), ['unclosed_thinking']],
];

describe('a reasoner that', () => {
  test.each(faults)(
    '%s is replaced by the fallback model, and the error event has the reason',
    async (_what, reply, reasons) => {
      fixture = await openCoreWith(limits);
      if (reply === null) await fixture.large.refuse();
      else fixture.large.script(reply);
      fixture.small.script(routed, says('작은 모델의 답'));
      const { events, end } = await fixture.ask('양자역학이 뭐야?');
      const trouble = events.find((event) => event.type === 'error');
      expect(reasons).toContain(trouble?.data['error_reason']);
      expect(end.data).toMatchObject({ outcome: 'answered', reply: '작은 모델의 답' });
    },
  );

  test('has an unknown host name is replaced by the fallback model, and the error reason is `dns`', async () => {
    fixture = await openCoreWith(limits, 'http://no-such-host.invalid/v1');
    fixture.small.script(routed, says('작은 모델의 답'));
    const { events, end } = await fixture.ask('양자역학이 뭐야?');
    expect(events.find((event) => event.type === 'error')?.data['error_reason']).toBe('dns');
    expect(end.data).toMatchObject({ outcome: 'answered' });
  });
});

async function openCoreWith(timeoutsMs: typeof limits, largeUrl?: string): Promise<CoreFixture> {
  return openCore((small, large) => ({
    backends: [
      { id: 'small', baseUrl: small.baseUrl, model: 'm' },
      { id: 'large', baseUrl: largeUrl ?? large.baseUrl, model: 'm', timeoutsMs },
    ],
  }));
}
