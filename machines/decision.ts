/**
 * What to do with a message: the decision of the rules or of the classifier model, and the only input of the job
 * machine's `route` state. Plain data, JSON-safe.
 */

/** One call of a tool operation. `params` are validated by the tool's own input schema. */
export interface ToolCall {
  tool: string;
  operation: string;
  params: Record<string, unknown>;
}

/**
 * - `direct`: answer with `response` if present; otherwise the classifier model writes the answer
 * - `clarify`: ask the user the question in `response`
 * - `tools`: run `calls` in order
 * - `route`: send the message to the reasoner
 * - `system_status`: report the state of the backends and of the queue
 */
export type Action = 'direct' | 'clarify' | 'tools' | 'route' | 'system_status';

export interface Decision {
  /**
   * Source of the decision: the rules without a model, or the classifier (also when it failed; `reason` then gives the
   * error code).
   */
  by: 'rule' | 'classifier';
  action: Action;
  /** The answer or the clarifying question. Only with `direct` and `clarify`. */
  response?: string;
  /** With `tools`, at least one; with `clarify`, what the question is about. */
  calls?: ToolCall[];
  /** Reason, for the inspector: the name of the rule, or the error code of the failure. */
  reason?: string;
}

/** Public form of a decision: in `state` events and in the output of `gatehouse route`. */
export interface DecisionView {
  by: 'rule' | 'classifier';
  action: string;
  tool?: string;
  operation?: string;
  params?: Record<string, unknown>;
  /** All calls, if there are several; `tool`, `operation` and `params` are then those of the first. */
  calls?: ToolCall[];
  /** The clarifying question, with `clarify`. */
  response?: string;
}

export function describeDecision(decision: Decision): DecisionView {
  const { by, action, calls = [], response } = decision;
  const [first] = calls;
  return {
    by,
    action,
    ...(first ? { tool: first.tool, operation: first.operation, params: first.params } : {}),
    ...(calls.length > 1 ? { calls } : {}),
    ...(action === 'clarify' && response !== undefined ? { response } : {}),
  };
}
