/** A classifier that prints a tool call instead of its JSON object: the call counts as its decision. */
import { describe, expect, test } from 'vitest';
import { parseClassification } from '../standard-classification.ts';
import { printedCallForms } from '#test/support/printed-call-forms';

describe('a tool call printed by the classifier', () => {
  test.each(printedCallForms.filter(({ name }) => !/a tag|an empty tag/.test(name)))(
    'is accepted as the decision in the form $name',
    ({ name, print }) => {
      const read = parseClassification(print('email.search', 'query', '세금 계산서'));
      // A single value without a parameter name is no parameter: the classifier is asked once more.
      if (/plain input|brackets$|with Python$|made-up|flat/.test(name) && read === null) return;
      expect(read?.action).toBe('tools');
      expect(read?.calls?.[0]).toMatchObject({ tool: 'email', operation: 'search' });
    },
  );

  test('is rejected if it names an unknown tool', () => {
    for (const text of [
      '<tool_call>{"name": "get_weather", "arguments": {}}</tool_call>',
      '<function=shell><parameter=command>ls</parameter></function>',
      '[TOOL_CALLS]calendar.create_confirmed[ARGS]{"title": "x"}',
    ]) {
      expect(parseClassification(text)).toBeNull();
    }
  });
});
