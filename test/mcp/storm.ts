/**
 * Starts and kills a stdio server behind a shell again and again, in every kind of trouble. Used by the test, with few
 * rounds, and by bench/mcp-storm.ts.
 */
import { mkdirSync, readdirSync } from 'node:fs';
import { McpCallError } from '#mcp/mcp-connection';
import { createMcp } from '#mcp/mcp';
import { mcpSchema } from '#mcp/mcp-settings';
import { systemClock } from '#shared/clock';
import { silentLog } from '#shared/log';
import { createToolRegistry } from '#tools/registry';
import { scratchFolder } from '#test/support/journal';
import { processesWith } from './process-table.ts';
import { scriptedServer, scriptedTool, type Behaviour } from './scripted-server.ts';

export interface StormReport {
  rounds: number;
  /** Processes of the servers that were left at the end. */
  orphans: number;
  /** Open handles before the storm and after it. */
  handles: [number, number];
  /** Results by code. */
  results: Record<string, number>;
  /** Longest call, milliseconds. */
  longestMs: number;
  /** Resident memory, megabytes: after a tenth of the rounds, and at the end. */
  memoryMb: [number, number];
}

const behaviours: Behaviour['does'][] = [
  'answers',
  'ends',
  'writes garbage',
  'writes 10 MB',
  'is silent',
];

const openHandles = (): number => readdirSync('/proc/self/fd').length;
const residentMb = (): number => Math.round(process.memoryUsage().rss / 1e6);

/** Each round is a new server; every sixth ends at once, and every fourth is stopped in the middle of its call. */
export async function runStorm(rounds: number, parallel: number): Promise<StormReport> {
  const scratch = scratchFolder();
  const results: Record<string, number> = {};
  const before = openHandles();
  let longestMs = 0;
  let memory = 0;
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let round = next++; round < rounds; round = next++) {
      const beganAt = performance.now();
      const code = await runRound(scratch.path, round);
      longestMs = Math.max(longestMs, performance.now() - beganAt);
      results[code] = (results[code] ?? 0) + 1;
      if (round === Math.floor(rounds / 10)) memory = residentMb();
    }
  };
  await Promise.all(Array.from({ length: parallel }, worker));
  const orphans = processesWith(scratch.path).length;
  scratch.remove();
  return {
    rounds,
    orphans,
    handles: [before, openHandles()],
    results,
    longestMs: Math.round(longestMs),
    memoryMb: [memory, residentMb()],
  };
}

async function runRound(folder: string, round: number): Promise<string> {
  const does = behaviours[round % behaviours.length]!;
  const own = `${folder}/${round}`;
  mkdirSync(own);
  const server = scriptedServer(own, {
    tools: [scriptedTool('look')],
    behaviours: { look: { does } },
  });
  const command = server.command({ behindShell: true });
  // The shell leaves a child behind, in a session of its own, and ends at once.
  const endsAtOnce = ['sh', '-c', `setsid sleep 600 ${own} & exit 1`];
  const settings = mcpSchema.parse({
    servers: [{ id: 'one', command: round % 6 === 5 ? endsAtOnce : command, reads: ['look'] }],
    limits: { callTimeoutMs: 400 },
  });
  const log = silentLog();
  const mcp = createMcp({ settings, folder: own, clock: systemClock, log });
  const registry = createToolRegistry({ tools: mcp.tools, log });
  try {
    await mcp.servers[0]!.refresh();
  } catch (error) {
    await mcp.stop();
    return error instanceof McpCallError ? `start: ${error.kind}` : 'start: threw';
  }
  const call = registry.run([{ tool: 'mcp:one', operation: 'look', params: {} }], {
    userId: 'kim',
    locale: 'en',
    now: new Date().toISOString(),
    timeZone: 'UTC',
    signal: new AbortController().signal,
    key: 'key',
  });
  if (round % 4 === 3) await mcp.stop();
  const { results } = await call;
  await mcp.stop();
  return results[0]?.error?.code ?? 'ok';
}
