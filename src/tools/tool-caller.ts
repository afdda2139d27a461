/**
 * One call of one operation: found, checked, bounded in time. Whatever happens there is an answer: a tool
 * that throws, hangs or does not exist is a fault with a sentence, and a line in the log.
 */
import type { ToolCall } from '../../machines/decision.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { oneLine } from './plain-text.ts';
import { withinLimit } from './time-limit.ts';
import { fault, spokenFault } from './tool-fault.ts';
import { parseParams } from './tool-params.ts';
import { toolTextsOf } from './tool-texts.ts';
import { draftOf, type CallAnswer } from './tools-report.ts';
import type {
  CallContext,
  Operation,
  Proposal,
  Tool,
  ToolContext,
  ToolFault,
  WriteOperation,
} from './tool.ts';

/** Where a call goes. */
export interface Target {
  tool: string;
  operation: string;
}

export interface ToolCaller {
  findWrite(target: Target): WriteOperation | undefined;
  /** Runs a call that reads or drafts. */
  answer(call: ToolCall, context: ToolContext): Promise<CallAnswer>;
  /** Puts a write into words. */
  propose(target: Target, params: unknown, context: ToolContext): Promise<Proposal>;
  /** Runs work within the limit; `late` is the fault of work that did not end. */
  limited<Answer extends { ok: true }>(
    target: Target,
    context: ToolContext,
    late: 'GH_TOOL_TIMEOUT' | 'GH_TOOL_UNCERTAIN',
    work: (context: CallContext) => Promise<Answer | ToolFault>,
  ): Promise<Answer | ToolFault>;
}

/** @param limitMs how long one call may take, milliseconds */
export function createToolCaller(
  tools: ReadonlyMap<string, Tool>,
  limitMs: number,
  log: Log,
): ToolCaller {
  const findOperation = (call: Target): Operation | undefined => {
    const operations = tools.get(call.tool)?.operations;
    return operations !== undefined && Object.hasOwn(operations, call.operation)
      ? operations[call.operation]
      : undefined;
  };

  const findWrite = (call: Target): WriteOperation | undefined => {
    const operation = findOperation(call);
    return operation?.effect === 'writes' ? operation : undefined;
  };

  const limited = createLimiter(limitMs, log);

  const answer = async (call: ToolCall, context: ToolContext): Promise<CallAnswer> => {
    const { locale } = context;
    const operation = findOperation(call);
    if (operation === undefined || operation.effect === 'writes') {
      const name = oneLine(`${call.tool}.${call.operation}`, 80);
      const why = operation === undefined ? 'no such operation' : 'writes only through execute';
      log.warn({ call: name, key: context.key }, `tool call refused: ${why}`);
      return fault('GH_TOOL_UNKNOWN', `${name}: ${why}`, toolTextsOf(locale).unknown);
    }
    const parsed = parseParams(operation.schema, call.params, locale);
    if (!parsed.ok) return parsed;
    if (operation.effect === 'reads') {
      return limited(call, context, 'GH_TOOL_TIMEOUT', (bounded) =>
        operation.run(parsed.params, bounded),
      );
    }
    const target = { tool: call.tool, operation: operation.writes };
    const proposal = await propose(target, parsed.params, context);
    if (!proposal.ok) return proposal;
    return { ...proposal, draft: draftOf(target, proposal) };
  };

  const propose = async (
    target: Target,
    params: unknown,
    context: ToolContext,
  ): Promise<Proposal> => {
    const write = findWrite(target);
    if (write === undefined) {
      const why = `${target.tool}.${target.operation} writes nothing`;
      return fault('GH_TOOL_UNKNOWN', why, toolTextsOf(context.locale).unknown);
    }
    const parsed = parseParams(write.schema, params, context.locale);
    if (!parsed.ok) return parsed;
    return limited(target, context, 'GH_TOOL_TIMEOUT', (bounded) =>
      write.propose(parsed.params, bounded),
    );
  };

  return { findWrite, answer, propose, limited };
}

/** Runs the work of one call within its limit; whatever happens, there is an answer. */
const createLimiter =
  (limitMs: number, log: Log): ToolCaller['limited'] =>
  async <Answer extends { ok: true }>(
    call: Target,
    context: ToolContext,
    late: 'GH_TOOL_TIMEOUT' | 'GH_TOOL_UNCERTAIN',
    work: (context: CallContext) => Promise<Answer | ToolFault>,
  ): Promise<Answer | ToolFault> => {
    const where = { tool: call.tool, operation: call.operation, key: context.key };
    try {
      const ended = await withinLimit(limitMs, context.signal, (signal) =>
        work({ ...context, signal, limitMs }),
      );
      if (ended.in === 'time') {
        const { value } = ended;
        if (!value.ok) log.warn({ ...where, code: value.code, why: value.message }, 'tool failed');
        return value;
      }
      log.warn({ ...where, code: late, limitMs }, `tool ended by ${ended.in}`);
      return spokenFault(late, call.tool, context.locale, `ended by ${ended.in}`);
    } catch (error) {
      log.error({ ...where, error: messageOf(error) }, 'tool threw');
      const code = late === 'GH_TOOL_UNCERTAIN' ? late : 'GH_TOOL_FAILED';
      return spokenFault(code, call.tool, context.locale, messageOf(error));
    }
  };
