/** docs/mcp.md lists the tools that other programs can use. */
import { test } from 'vitest';
import { doorTools } from '#http/mcp/door-tools';
import { expectMade, tableOf } from './made-part.ts';

test('docs/mcp.md lists the tools of the MCP door with their input', () => {
  const rows = doorTools.map(({ name, input, description, hints }) => [
    `\`${name}\``,
    Object.entries(input.shape)
      .map(([field, schema]) => `\`${field}\`${schema.safeParse(undefined).success ? '?' : ''}`)
      .join(', '),
    hints.readOnlyHint ? 'reads' : 'changes',
    description.split(/(?<=\.) /)[0]!,
  ]);
  expectMade('mcp.md', tableOf(['tool', 'input (`?`: optional)', 'effect', 'does'], rows));
});
