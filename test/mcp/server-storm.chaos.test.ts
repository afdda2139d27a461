/** Short form of bench/mcp-storm.ts. */
import { expect, test } from 'vitest';
import { runStorm } from './storm.ts';

test('a stdio server behind a shell leaves no process and no handle, whatever it does and whenever it is stopped', async () => {
  const report = await runStorm(12, 3);
  expect(report.orphans).toBe(0);
  expect(report.handles[1]).toBeLessThanOrEqual(report.handles[0] + 2);
  const codes = Object.keys(report.results);
  expect(codes).toContain('ok');
  expect(codes.filter((code) => !/^(?:ok|GH_TOOL_\w+|start: unreachable)$/.test(code))).toEqual([]);
});
