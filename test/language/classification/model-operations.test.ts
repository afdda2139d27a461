/** Which operation a model means by the names that it writes. */
import { expect, test } from 'vitest';
import { createOperationTable } from '#language/classification/model-operations';
import type { ModelTool } from '#language/classification/operation-port';

const toolOf = (name: string, alias: string): ModelTool => ({
  name,
  aliases: [alias],
  isConfigured: true,
  operations: [
    {
      tool: name,
      operation: 'read_file',
      effect: 'reads',
      summary: '',
      examples: [],
      params: {},
      required: [],
      resolve: (params) => ({ ok: true, params }),
    },
  ],
});

test.each([
  ['mcp:files-work', 'read_file', 'mcp:files-work'],
  ['files-work', 'read_file', 'mcp:files-work'],
  ['mcp:files-work.read_file', undefined, 'mcp:files-work'],
  ['mcp:files', 'read_file', 'mcp:files'],
  ['files.read_file', undefined, 'mcp:files'],
])(
  'a call of %s %s is one of the tool whose whole name it has, if one name begins another',
  (tool, operation, expected) => {
    for (const tools of [
      [toolOf('mcp:files', 'files'), toolOf('mcp:files-work', 'files-work')],
      [toolOf('mcp:files-work', 'files-work'), toolOf('mcp:files', 'files')],
    ]) {
      expect(createOperationTable(tools).find(tool, operation)?.tool).toBe(expected);
    }
  },
);
