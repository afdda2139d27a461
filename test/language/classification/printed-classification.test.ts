/** A classifier that prints a tool call in place of its object: the call is what it decided. */
import { describe, expect, test } from 'vitest';
import { parseClassification } from '#language/classification/parse-classification';
import { printedCallForms } from '#test/support/printed-call-forms';

describe('a classifier that prints a call', () => {
  test.each(printedCallForms.filter(({ name }) => !/a tag|an empty tag/.test(name)))(
    'has decided for it in the form $name',
    ({ name, print }) => {
      const read = parseClassification(print('email.search', 'query', '세금 계산서'));
      // One value without its name is no parameter: it is asked for once more.
      if (/plain input|brackets$|with Python$|made-up|flat/.test(name) && read === null) return;
      expect(read?.action).toBe('tools');
      expect(read?.calls?.[0]).toMatchObject({ tool: 'email', operation: 'search' });
    },
  );

  test('for a tool that is not there is asked once more, and its call is not shown', () => {
    for (const text of [
      '<tool_call>{"name": "get_weather", "arguments": {}}</tool_call>',
      '<function=shell><parameter=command>ls</parameter></function>',
      '[TOOL_CALLS]calendar.create_confirmed[ARGS]{"title": "x"}',
    ]) {
      expect(parseClassification(text)).toBeNull();
    }
  });
});
