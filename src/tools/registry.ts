/**
 * The registry: the only way from a decision to a tool.
 *
 * 1. `run` never reaches an operation that writes, whatever a model asked for: those go through `execute`,
 *    which the job machine calls after its owner's yes (P10).
 * 2. Every call ends within its limit with a result that has a summary; a tool that throws, hangs or does
 *    not exist costs its own call only.
 * 3. Results are bounded before they are handed on: they go into a prompt and into the journal.
 */
import { z } from 'zod';
import type { ToolCall } from '../../machines/decision.ts';
import type { Draft, ToolResult, ToolsReport } from '../../machines/job-types.ts';
import { noFaults, type Faults } from '../lib/faults.ts';
import type { Log } from '../lib/log.ts';
import { callFields } from './call-fields.ts';
import { createToolCaller, type ToolCallEnd } from './tool-caller.ts';
import { fault } from './tool-fault.ts';
import { parseParams } from './tool-params.ts';
import { toolTextsOf } from './tool-texts.ts';
import { callsMax, draftOf, reportOf, resultOf } from './tools-report.ts';
import type { Operation, Tool, ToolContext } from './tool.ts';

/**
 * Share of the configured limit that a call gets. The job machine's own timer has the full length and only
 * says that something took too long; ours must ring first, for its sentence names the tool.
 */
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
   * Runs the calls side by side; results stand in the order of the calls. The first call that drafts gives
   * `draft`, whose summary carries the answers of the other calls too: it is all that the owner is shown.
   */
  run(calls: readonly ToolCall[], context: ToolContext): Promise<ToolsReport>;
  /** The draft with the owner's changes; if they do not work, the draft as it was with the reason in front. */
  revise(draft: Draft, changes: Record<string, unknown>, context: ToolContext): Promise<Draft>;
  /** Writes what the draft says, at most once per `context.key`. */
  execute(draft: Draft, context: ToolContext): Promise<ToolResult>;
  /** What a model may call, for its prompt. Operations that write are not in it. */
  describe(): ToolDescription[];
}

export interface ToolRegistryOptions {
  tools: readonly Tool[];
  log: Log;
  /** Limit per call, milliseconds (`jobs.toolTimeoutMs`). */
  toolTimeoutMs?: number;
  faults?: Faults;
  /** Told of every call, for figures and traces. */
  onCall?: ((end: ToolCallEnd) => void) | undefined;
}

/** @throws Error when two tools have one name. */
export function createToolRegistry(options: ToolRegistryOptions): ToolRegistry {
  const { log, faults = noFaults } = options;
  const limitMs = Math.floor((options.toolTimeoutMs ?? 10_000) * limitShare);
  const tools = new Map(options.tools.map((tool) => [tool.name, tool]));
  if (tools.size < options.tools.length) throw new Error('two tools have the same name');

  const caller = createToolCaller({ tools, limitMs, log, onCall: options.onCall });

  return {
    async run(calls, context) {
      const answers = await Promise.all(
        calls
          .slice(0, callsMax)
          .map(async (call) => ({ call, ...(await caller.answer(call, context)) })),
      );
      return reportOf(answers, calls.slice(callsMax), context);
    },

    async revise(draft, changes, context) {
      const merged = caller.findWrite(draft)?.merge(draft.params, changes) ?? draft.params;
      const proposal = await caller.propose(draft, merged, context);
      if (proposal.ok) return draftOf(draft, proposal);
      // Not from `draft.summary`: it may carry the reason of an earlier change that did not work.
      const unchanged = await caller.propose(draft, draft.params, context);
      const summary = unchanged.ok ? unchanged.summary : draft.summary;
      const reason = toolTextsOf(context.locale).unchanged(proposal.summary);
      return { ...draft, summary: `${reason}\n\n${summary}` };
    },

    async execute(draft, context) {
      const write = caller.findWrite(draft);
      const texts = toolTextsOf(context.locale);
      if (write === undefined) {
        const why = `${draft.tool}.${draft.operation} writes nothing`;
        return resultOf(draft, fault('GH_TOOL_UNKNOWN', why, texts.unknown));
      }
      const parsed = parseParams(write.schema, draft.params, context.locale);
      if (!parsed.ok) return resultOf(draft, parsed);
      const name = `${draft.tool}.${draft.operation}`;
      const written = await caller.limited(draft, context, 'GH_TOOL_UNCERTAIN', async (bounded) => {
        faults.hit('tool.beforeWrite', name);
        const answer = await write.execute(parsed.params, bounded);
        faults.hit('tool.afterWrite', name);
        return answer;
      });
      if (written.ok) log.info({ ...callFields(context), tool: name }, 'written');
      return resultOf(draft, written);
    },

    describe: () =>
      options.tools.flatMap((tool) =>
        Object.entries(tool.operations)
          .filter(([, operation]) => operation.effect !== 'writes')
          .map(([name, operation]) => ({
            tool: tool.name,
            operation: name,
            description: operation.description,
            params: schemaOf(operation),
          })),
      ),
  };
}

function schemaOf(operation: Operation): Record<string, unknown> {
  const schema = z.toJSONSchema(operation.schema, { io: 'input', unrepresentable: 'any' });
  const { $schema: _, ...params } = schema as Record<string, unknown>;
  return params;
}
