/** docs/tools.md lists every operation of the declared tools, with its parameters. */
import { expect, test } from 'vitest';
import { toolList } from '#tools/tool-list';
import { expectMade } from './made-part.ts';
import { toolTable } from './tool-table.ts';

test('docs/tools.md lists the operations of all tools with their parameters', () => {
  expectMade('tools.md', toolTable(toolList));
  expect(toolTable(toolList)).toContain('| `calendar` | `today` |');
});
