/**
 * The tool registry: the only way from a decision to a tool.
 *
 * 1. `run` never executes a write operation, whatever a model requests: writes go through `execute`, which the job
 *    machine calls after the owner's confirmation (P10). A revocable operation changes only the user's own reminders and facts.
 * 2. Every call ends within its limit with a result that has a summary; a tool that throws, hangs or does not exist
 *    fails only its own call.
 * 3. Results are bounded before they are returned: they go into a prompt and into the journal.
 */
import type { ToolCall } from '#machines/decision';
import type { Draft, ToolResult, ToolsReport } from '#machines/job-types';
import { noFaultInjection, type FaultInjector } from '#shared/fault-points';
import { createToolInvoker, type ToolCallOptions } from './tool-invoker.ts';
import { jsonSchemaOf, parseParams } from './param-schemas.ts';
import { toolTextsOf } from './tool-texts.ts';
import { callsMax, toDraft, mergeResults, toToolResult } from './merge-tool-results.ts';
import type { MessagePlace, Tool, ToolError } from './tool.ts';
import { oneLine } from './sanitize-text.ts';
import { toolLogFields, type ToolContext } from '#shared/tool-context';

/** Share of the limit that a call gets: it ends before the job machine's timer, whose message names no tool. */
const limitShare = 0.95;

export interface ToolDescription {
  tool: string;
  operation: string;
  description: string;
  /** JSON schema of `params`. */
  params: Record<string, unknown>;
}

export interface ToolRegistry {
  /**
   * Runs the calls concurrently; results are in the order of the calls. The first call that drafts gives `draft`,
   * whose summary includes the answers of the other calls: the owner is shown nothing else.
   */
  run(calls: readonly ToolCall[], context: ToolContext): Promise<ToolsReport>;
  /** The draft with the owner's changes; if these are invalid, the unchanged draft with the reason before it. */
  revise(draft: Draft, changes: Record<string, unknown>, context: ToolContext): Promise<Draft>;
  /** Executes the write of the draft, at most once per `context.key`. */
  execute(draft: Draft, context: ToolContext): Promise<ToolResult>;
  /** Whether all calls that the rules have read from a message are meant at its place; else it is ordinary chat. */
  isMeant(calls: readonly ToolCall[], place: MessagePlace): boolean | Promise<boolean>;
  /** The operations that a model may call, for its prompt; write operations are not included. */
  describe(): ToolDescription[];
}

export interface ToolRegistryOptions extends ToolCallOptions {
  tools: readonly Tool[];
  /** Limit per call, milliseconds (`jobs.toolTimeoutMs`). */
  toolTimeoutMs?: number;
  faults?: FaultInjector;
}

/** @throws Error if two tools have the same name */
export function createToolRegistry(options: ToolRegistryOptions): ToolRegistry {
  const { log, faults = noFaultInjection } = options;
  const limitMs = Math.floor((options.toolTimeoutMs ?? 10_000) * limitShare);
  const tools = new Map(options.tools.map((tool) => [tool.name, tool]));
  if (tools.size < options.tools.length) throw new Error('two tools have the same name');

  const invoker = createToolInvoker({ ...options, tools, limitMs });

  return {
    async run(calls, context) {
      const answers = await Promise.all(
        calls
          .slice(0, callsMax)
          .map(async (call) => ({ call, ...(await invoker.invoke(call, context)) })),
      );
      return mergeResults(answers, calls.slice(callsMax), context);
    },

    async revise(draft, changes, context) {
      const merged = invoker.findWrite(draft)?.merge(draft.params, changes) ?? draft.params;
      const proposal = await invoker.propose(draft, merged, context);
      if (proposal.ok) return toDraft(draft, proposal);
      // `draft.summary` is not reused: it may contain the reason of an earlier invalid change.
      const unchanged = await invoker.propose(draft, draft.params, context);
      const reason = `${toolTextsOf(context.locale).unchanged(proposal.summary)}\n\n`;
      const summary = unchanged.ok ? unchanged.summary : draft.summary.replace(reason, '');
      return { ...draft, summary: `${reason}${summary}` };
    },

    async execute(draft, context) {
      const write = invoker.findWrite(draft);
      if (write === undefined)
        return toToolResult(draft, withDraft(invoker.refuse(draft, context), draft));
      const parsed = parseParams(write.schema, draft.params, context.locale);
      if (!parsed.ok) return toToolResult(draft, parsed);
      const name = `${draft.tool}.${draft.operation}`;
      const written = await invoker.runWithLimit(
        draft,
        context,
        'GH_TOOL_UNCERTAIN',
        async (bounded) => {
          faults.reach('tool.beforeWrite', name);
          const answer = await write.execute(parsed.params, bounded);
          faults.reach('tool.afterWrite', name);
          return answer;
        },
      );
      if (written.ok) log.info({ ...toolLogFields(context), tool: name }, 'written');
      return toToolResult(draft, written);
    },

    isMeant(calls, place) {
      const answers = calls.map(
        ({ tool, operation, params }) =>
          tools.get(tool)?.isMeant?.(operation, params, place) ?? true,
      );
      if (answers.every((answer) => answer === true)) return true;
      return Promise.all(answers.map((answer) => Promise.resolve(answer))).then((all) =>
        all.every(Boolean),
      );
    },

    describe: () =>
      options.tools.flatMap((tool) =>
        Object.entries(tool.operations)
          .filter(([, operation]) => operation.effect !== 'writes')
          .map(([name, { description, schema }]) => ({
            tool: tool.name,
            operation: name,
            description,
            params: jsonSchemaOf(schema, { labels: false }),
          })),
      ),
  };
}

/** A confirmed draft whose tool is gone: the user keeps what would have been written. */
const withDraft = (error: ToolError, { params }: Draft): ToolError => {
  const lines = Object.entries(params).map(([name, value]) => `- ${name}: ${String(value)}`);
  return {
    ...error,
    summary: [error.summary, ...lines.map((line) => oneLine(line, 300))].join('\n'),
  };
};
