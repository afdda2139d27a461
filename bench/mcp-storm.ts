/**
 * 500 starts and kills of an MCP server on stdio behind a shell: ends at once, ends in a call, silence, garbage, 10 MB
 * results, stopped in the middle of a call. `node bench/mcp-storm.ts [ROUNDS]`
 */
import { runStorm } from '#test/mcp/storm';

const report = await runStorm(Number(process.argv[2] ?? 500), 4);
console.log(JSON.stringify(report, null, 2));
process.exitCode = report.orphans === 0 ? 0 : 1;
