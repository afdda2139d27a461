/** Converts a classification to a decision: each operation resolves date words that the model left in parameters. */
import type { Decision, ToolCall } from '#machines/decision';
import { localeOf } from '#machines/texts';
import { civilNow, isoDate } from '#shared/calendar/civil-date';
import type { OperationTable } from './model-operations.ts';
import type { Classification } from './parse-classification.ts';
import type { DecisionContext, ResolutionContext } from '../rules/resolution-context.ts';

function decideTools(
  calls: readonly ToolCall[],
  context: ResolutionContext,
  operations: OperationTable,
): Decision {
  const resolved: ToolCall[] = [];
  for (const { tool, operation, params } of calls) {
    // Nothing is resolved or asked back for a tool that is not configured: the tool registry answers the call.
    const found = operations.isConfigured(tool) ? operations.find(tool, operation) : null;
    const result = found?.resolve(params, context) ?? { ok: true, params };
    if (!result.ok) {
      return { by: 'classifier', action: 'clarify', response: result.question, reason: 'params' };
    }
    resolved.push({ tool, operation, params: result.params });
  }
  return { by: 'classifier', action: 'tools', calls: resolved };
}

/** The decision for a classification. Null (unreadable) becomes `direct` without a response: one is then written. */
export function toDecision(
  classification: Classification | null,
  context: DecisionContext,
  operations: OperationTable,
): Decision {
  if (classification === null) {
    return { by: 'classifier', action: 'direct', reason: 'GH_BACKEND_UNREADABLE' };
  }
  const { action, response, calls } = classification;
  if (action === 'tools' && calls !== undefined) {
    const { today, minuteOfDay } = civilNow(context.now, context.timeZone);
    const locale = localeOf(context.message);
    const resolution = { ...context, today: isoDate(today), minuteOfDay, locale };
    return decideTools(calls, resolution, operations);
  }
  return { by: 'classifier', action, ...(response === undefined ? {} : { response }) };
}
