/** One call of one operation. A tool that throws, hangs or does not exist gives an error for the user and the log. */
import type { ToolCall } from '#machines/decision';
import type { Locale } from '#machines/texts';
import { messageOf } from '#shared/errors';
import type { Log } from '#shared/log';
import { oneLine } from './sanitize-text.ts';
import { toolError, localizedToolError, toolTextsOf } from './tool-texts.ts';
import { parseParams } from './param-schemas.ts';
import { toDraft, type CallAnswer } from './merge-tool-results.ts';
import type { CallContext, Operation, Proposal, Tool, ToolError, WriteOperation } from './tool.ts';
import { toolLogFields, type ToolContext } from '#shared/tool-context';

type CallTarget = Pick<ToolCall, 'tool' | 'operation'>;

export interface FinishedToolCall {
  /** Registered names; `unknown` if the call was refused. */
  tool: string;
  operation: string;
  /** `ok`, or the error code. */
  result: string;
  ms: number;
  context: ToolContext;
}

export interface ToolCallOptions {
  /** Tools that are not configured, by name: one sentence that says what to configure. Default: none. */
  notConfigured?: ReadonlyMap<string, Record<Locale, string>>;
  log: Log;
  /** Called once per call, for metrics and traces; must return quickly. */
  onCallFinished?: ((end: FinishedToolCall) => void) | undefined;
}

interface ToolInvokerOptions extends ToolCallOptions {
  tools: ReadonlyMap<string, Tool>;
  limitMs: number;
}

export function createToolInvoker(options: ToolInvokerOptions) {
  const { tools, log, onCallFinished: onCall } = options;
  const findOperation = (call: CallTarget): Operation | undefined => {
    const operations = tools.get(call.tool)?.operations;
    return operations !== undefined && Object.hasOwn(operations, call.operation)
      ? operations[call.operation]
      : undefined;
  };

  const findWrite = (call: CallTarget): WriteOperation | undefined => {
    const operation = findOperation(call);
    return operation?.effect === 'writes' ? operation : undefined;
  };

  /** The error for a call that has no operation here, or that would write; says what to configure. */
  const refuse = (target: CallTarget, { locale }: ToolContext): ToolError => {
    const name = oneLine(`${target.tool}.${target.operation}`, 80);
    const missing = options.notConfigured?.get(target.tool);
    if (missing !== undefined) {
      return toolError('GH_TOOL_NOT_CONFIGURED', `${name}: not configured`, missing[locale]);
    }
    const why = findOperation(target) === undefined ? 'no such operation' : 'not callable here';
    return toolError('GH_TOOL_UNKNOWN', `${name}: ${why}`, toolTextsOf(locale).unknown);
  };

  const runWithLimit = createLimitRunner(options);

  /** Runs a call of a read or draft operation. */
  const invoke = async (call: ToolCall, context: ToolContext): Promise<CallAnswer> => {
    const operation = findOperation(call);
    if (operation === undefined || operation.effect === 'writes') {
      const refusal = refuse(call, context);
      // At debug only: the name comes from a model and may be a piece of the user's message.
      log.debug({ ...toolLogFields(context), why: refusal.message }, 'why the call is refused');
      log.warn({ ...toolLogFields(context), code: refusal.code }, 'tool call refused');
      const result = refusal.code;
      onCall?.({ tool: 'unknown', operation: 'unknown', result, ms: 0, context });
      return refusal;
    }
    const parsed = parseParams(operation.schema, call.params, context.locale);
    if (!parsed.ok) {
      const { tool, operation: name } = call;
      onCall?.({ tool, operation: name, result: parsed.code, ms: 0, context });
      return parsed;
    }
    if (operation.effect === 'reads') {
      return runWithLimit(call, context, 'GH_TOOL_TIMEOUT', (bounded) =>
        operation.run(parsed.params, bounded),
      );
    }
    if (operation.effect === 'revocable') {
      const answer = await runWithLimit(call, context, 'GH_TOOL_UNCERTAIN', (bounded) =>
        operation.run(parsed.params, bounded),
      );
      if (!('needsConfirmation' in answer)) return answer;
    }
    const target = { tool: call.tool, operation: operation.writes ?? '' };
    const proposal = await propose(target, parsed.params, context);
    if (!proposal.ok) return proposal;
    return { ...proposal, draft: toDraft(target, proposal) };
  };

  /** Describes a write for confirmation; writes nothing. */
  const propose = async (
    target: CallTarget,
    params: unknown,
    context: ToolContext,
  ): Promise<Proposal> => {
    const write = findWrite(target);
    if (write === undefined) return refuse(target, context);
    const parsed = parseParams(write.schema, params, context.locale);
    if (!parsed.ok) return parsed;
    return runWithLimit(target, context, 'GH_TOOL_TIMEOUT', (bounded) =>
      write.propose(parsed.params, bounded),
    );
  };

  return { refuse, findWrite, invoke, propose, runWithLimit };
}

/** Runs the work of one call within its limit. `timeoutCode`: the error code for work that did not end in time. */
const createLimitRunner =
  ({ tools, limitMs: limitMsOfAll, log, onCallFinished: onCall }: ToolInvokerOptions) =>
  async <Answer extends { ok: true }>(
    call: CallTarget,
    context: ToolContext,
    timeoutCode: 'GH_TOOL_TIMEOUT' | 'GH_TOOL_UNCERTAIN',
    work: (context: CallContext) => Promise<Answer | ToolError>,
  ): Promise<Answer | ToolError> => {
    const beganAt = performance.now();
    const { tool, operation } = call;
    const finish = (answer: Answer | ToolError): Answer | ToolError => {
      const ms = performance.now() - beganAt;
      onCall?.({ tool, operation, result: answer.ok ? 'ok' : answer.code, ms, context });
      return answer;
    };
    const where = { ...toolLogFields(context), tool, operation };
    const { locale } = context;
    const { label, limitMs = limitMsOfAll, uncertain } = tools.get(tool) ?? {};
    const name = label?.[locale] ?? tool;
    const fail = (code: Parameters<typeof localizedToolError>[0], why: string): ToolError =>
      code === 'GH_TOOL_UNCERTAIN' && uncertain !== undefined
        ? toolError(code, why, uncertain[locale])
        : localizedToolError(code, name, locale, why);
    try {
      const ended = await withTimeout(limitMs, context.signal, (signal) =>
        work({ ...context, signal, limitMs }),
      );
      if (ended.kind === 'completed') {
        const { value } = ended;
        if (!value.ok) {
          log.warn({ ...where, code: value.code }, 'tool failed');
          // At debug only: the message may quote the query.
          log.debug({ ...where, why: value.message }, 'why the tool failed');
        }
        return finish(value);
      }
      const cause = ended.kind === 'timedOut' ? 'limit' : 'abort';
      log.warn({ ...where, code: timeoutCode, limitMs }, `tool ended by ${cause}`);
      return finish(fail(timeoutCode, `ended by ${cause}`));
    } catch (error) {
      log.error({ ...where, error: messageOf(error) }, 'tool threw');
      const code = timeoutCode === 'GH_TOOL_UNCERTAIN' ? timeoutCode : 'GH_TOOL_FAILED';
      return finish(fail(code, messageOf(error)));
    }
  };

type TimeoutResult<Value> =
  | { kind: 'completed'; value: Value }
  | { kind: 'timedOut' }
  | { kind: 'aborted' };

/** Aborts `work` after `limitMs` or with `signal`, and resolves then even if it goes on. Rethrows its errors. */
async function withTimeout<Value>(
  limitMs: number,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<TimeoutResult<Value>> {
  const controller = new AbortController();
  const ended = Promise.withResolvers<TimeoutResult<Value>>();
  const end = (kind: 'timedOut' | 'aborted'): void => {
    ended.resolve({ kind });
    controller.abort(new Error(kind));
  };
  const onAbort = (): void => end('aborted');
  if (signal.aborted) return { kind: 'aborted' };
  signal.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(() => end('timedOut'), limitMs);
  try {
    const running = work(controller.signal).then((value) => ({
      kind: 'completed' as const,
      value,
    }));
    // Prevents an unhandled rejection when abandoned work fails later.
    running.catch(() => undefined);
    return await Promise.race([running, ended.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}
