/**
 * What is to be done with a message: the answer of the rules or of the classifier model,
 * and the only thing the job machine's `route` state looks at. Plain data, JSON-safe.
 */

/** One call of one operation of a tool. `params` are checked by the tool's own input schema. */
export interface ToolCall {
  tool: string;
  operation: string;
  params: Record<string, unknown>;
}

/**
 * - `direct`: answer; with `response` as it stands, else the classifier model writes one
 * - `clarify`: ask back with `response`
 * - `tools`: run `calls` in order
 * - `route`: hand the message to the reasoner
 * - `system_status`: tell the state of the backends and of the queue
 */
export type Action = 'direct' | 'clarify' | 'tools' | 'route' | 'system_status';

export interface Decision {
  /** Who decided: the rules without a model, or the classifier (also when it failed: then `reason` says so). */
  by: 'rule' | 'classifier';
  action: Action;
  /** The answer or the question back. Only with `direct` and `clarify`. */
  response?: string;
  /** Only with `tools`; at least one. */
  calls?: ToolCall[];
  /** Why, for the inspector: the name of the rule, or the code of what failed. */
  reason?: string;
}

/** A decision as the world is told it: in `state` events and by `gatehouse route`. */
export interface DecisionView {
  by: 'rule' | 'classifier';
  action: string;
  tool?: string;
  operation?: string;
  params?: Record<string, unknown>;
  /** All calls, where there are several; tool, operation and params are then those of the first. */
  calls?: ToolCall[];
  /** The question back, with `clarify`. */
  response?: string;
}

/** Pure. */
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
