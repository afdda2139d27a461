/** Models that answer in JSON instead of text, and tools that are not configured, in a whole core. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { isInCluster } from '#test/support/core-in-cluster';
import { openCore, routed, type CoreFixture } from '#test/support/core';
import { says, saysJson } from '#test/support/fake-llm-replies';

let fixture: CoreFixture;
beforeEach(async () => {
  fixture = await openCore();
});
afterEach(() => fixture.close());

const shownIn = (tokens: { content: string }[]): string =>
  tokens.map(({ content }) => content).join('');

describe('an answer in the JSON form of the classifier', () => {
  test('from the reasoner is shown as the text of its `response` field, also while it is streamed', async () => {
    fixture.small.script(routed);
    fixture.large.script(saysJson({ action: 'direct', response: '양자역학은 이렇습니다.' }));
    const { end, tokens } = await fixture.ask('양자역학이 뭐야?');
    expect(end.data).toMatchObject({ outcome: 'answered', reply: '양자역학은 이렇습니다.' });
    // A short answer can be over before the other worker knows who watches: `done` has all of it.
    if (!isInCluster) expect(shownIn(tokens)).toBe('양자역학은 이렇습니다.');
  });

  test('without a `response` field is replaced by the answer of the fallback model', async () => {
    fixture.small.script(routed, says('작은 모델의 답'));
    fixture.large.script(saysJson({ action: 'route', prompt: '양자역학' }));
    const { end, tokens } = await fixture.ask('양자역학이 뭐야?');
    expect(end.data).toMatchObject({ outcome: 'answered', reply: '작은 모델의 답' });
    expect(shownIn(tokens)).not.toContain('{');
  });

  test('from both models becomes an apology', async () => {
    const object = saysJson({ action: 'route', prompt: '양자역학' });
    fixture.small.script(routed, object);
    fixture.large.script(object);
    const { end, events, tokens } = await fixture.ask('양자역학이 뭐야?');
    expect(end.data['reply']).toBe('응답을 받지 못했습니다. 다시 시도해주세요.');
    expect(shownIn(tokens)).toBe('');
    expect(JSON.stringify(events)).not.toContain('{\\"action\\"');
  });
});

describe('the email tool without a configured mailbox', () => {
  test('is not offered to the classifier, neither in its prompt nor in its schema', async () => {
    fixture.small.script(saysJson({ action: 'direct', response: '네.' }));
    await fixture.ask('세금 계산서 온 게 있으려나');
    const { body } = fixture.small.requests[0]!;
    expect(JSON.stringify(body.messages.slice(0, -1))).not.toMatch(/email\.|"email|folder/);
    expect(JSON.stringify(body)).not.toMatch(/"email"|"folder"|"days"/);
  });

  test('is answered with a fixed notice, whether a rule or the classifier selects it', async () => {
    const byRule = await fixture.ask('메일 확인해줘');
    fixture.small.script(
      saysJson({ action: 'tools', tool: 'email', operation: 'search', params: {} }),
    );
    const byModel = await fixture.ask('세금 계산서 온 게 있으려나');
    for (const { end } of [byRule, byModel]) {
      expect(end.data['reply']).toContain('메일 계정이 설정되어 있지 않아');
    }
  });
});
