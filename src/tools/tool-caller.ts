/**
 * One call of one operation: found, checked, bounded in time. Whatever happens there is an answer: a tool
 * that throws, hangs or does not exist is a fault with a sentence, and a line in the log.
 */
import type { ToolCall } from '../../machines/decision.ts';
import { messageOf } from '../lib/errors.ts';
import type { Log } from '../lib/log.ts';
import { callFields } from './call-fields.ts';
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

/** What became of one call. */
export interface ToolCallEnd {
  /** Names of ours; `unknown` where a model asked for what there is not. */
  tool: string;
  operation: string;
  /** `ok`, or the code of its fault. */
  result: string;
  ms: number;
  context: ToolContext;
}

export interface ToolCallerOptions {
  tools: ReadonlyMap<string, Tool>;
  /** How long one call may take, milliseconds. */
  limitMs: number;
  log: Log;
  /** Told of every call once; must be quick. */
  onCall?: ((end: ToolCallEnd) => void) | undefined;
}

export function createToolCaller(options: ToolCallerOptions): ToolCaller {
  const { tools, log, onCall } = options;
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

  const limited = createLimiter(options);

  const answer = async (call: ToolCall, context: ToolContext): Promise<CallAnswer> => {
    const { locale } = context;
    const operation = findOperation(call);
    if (operation === undefined || operation.effect === 'writes') {
      const name = oneLine(`${call.tool}.${call.operation}`, 80);
      const why = operation === undefined ? 'no such operation' : 'writes only through execute';
      // The name is a model's: it may be a piece of the message.
      log.debug({ ...callFields(context), call: name }, 'the call that is refused');
      log.warn(callFields(context), `tool call refused: ${why}`);
      const result = 'GH_TOOL_UNKNOWN';
      onCall?.({ tool: 'unknown', operation: 'unknown', result, ms: 0, context });
      return fault('GH_TOOL_UNKNOWN', `${name}: ${why}`, toolTextsOf(locale).unknown);
    }
    const parsed = parseParams(operation.schema, call.params, locale);
    if (!parsed.ok) {
      const { tool, operation: name } = call;
      onCall?.({ tool, operation: name, result: parsed.code, ms: 0, context });
      return parsed;
    }
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
const createLimiter = ({ limitMs, log, onCall }: ToolCallerOptions): ToolCaller['limited'] => {
  const limited: ToolCaller['limited'] = async <Answer extends { ok: true }>(
    call: Target,
    context: ToolContext,
    late: 'GH_TOOL_TIMEOUT' | 'GH_TOOL_UNCERTAIN',
    work: (context: CallContext) => Promise<Answer | ToolFault>,
  ): Promise<Answer | ToolFault> => {
    const where = { ...callFields(context), tool: call.tool, operation: call.operation };
    try {
      const ended = await withinLimit(limitMs, context.signal, (signal) =>
        work({ ...context, signal, limitMs }),
      );
      if (ended.in === 'time') {
        const { value } = ended;
        if (!value.ok) {
          log.warn({ ...where, code: value.code }, 'tool failed');
          // May quote what was looked for.
          log.debug({ ...where, why: value.message }, 'why the tool failed');
        }
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

  return async (call, context, late, work) => {
    const beganAt = performance.now();
    const answer = await limited(call, context, late, work);
    const { tool, operation } = call;
    const ms = performance.now() - beganAt;
    onCall?.({ tool, operation, result: answer.ok ? 'ok' : answer.code, ms, context });
    return answer;
  };
};
