/** The calls of tools within the effects of a job: which tool of which server, with what, and what came of it. */
import type { ReplayFrame } from '../page-messages.ts';

export interface ToolCallRow {
  /** Key of the effect. */
  key: string;
  /** An MCP server, or a tool of Gatehouse. */
  server: string;
  tool: string;
  params: unknown;
  /** `runs`, `answered`, an error code, or the event that ended the effect. */
  outcome: string;
}

interface Target {
  tool?: unknown;
  operation?: unknown;
  params?: unknown;
}

interface Result {
  ok?: unknown;
  error?: { code?: unknown } | null;
}

/** In the order of their starts. */
export function toolCallsOf(way: readonly ReplayFrame[]): ToolCallRow[] {
  const rows: ToolCallRow[] = [];
  for (const { event, started, ended } of way) {
    for (const { key, src, input } of started) {
      for (const target of targetsOf(src, input)) rows.push(toRow(key, target));
    }
    for (const key of ended) {
      const own = rows.filter((row) => row.key === key);
      own.forEach((row, index) => (row.outcome = outcomeOf(event, index)));
    }
  }
  return rows;
}

function targetsOf(src: string, input: unknown): Target[] {
  const { calls, draft } = (input ?? {}) as { calls?: Target[]; draft?: Target };
  if (src === 'runTools' && Array.isArray(calls)) return calls;
  return src === 'execute' && draft !== undefined ? [draft] : [];
}

const toRow = (key: string, { tool, operation, params }: Target): ToolCallRow => ({
  key,
  server: String(tool).replace(/^mcp:/, ''),
  // The write of a confirmed draft has the name of its tool with a suffix.
  tool: String(operation).replace(/:confirmed$/, ''),
  params,
  outcome: 'runs',
});

function outcomeOf(event: ReplayFrame['event'], index: number): string {
  if (!event.type.startsWith('xstate.done.actor.')) return event.type;
  const { output } = event as { output?: Result & { results?: Result[] } };
  const result = output?.results?.[index] ?? output;
  if (result?.ok !== true) return String(result?.error?.code ?? 'failed');
  return 'answered';
}
