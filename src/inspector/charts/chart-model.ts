/**
 * Reads the boxes and arrows of a statechart from the machine itself. Pure.
 *
 * XState's own `toDirectedGraph` leaves out `always`, and with it every decision of `route`. So this code walks the
 * state nodes itself. Transitions without a target change no state and are not drawn.
 */
import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate';

export type EdgeKind = 'event' | 'done' | 'error' | 'after' | 'always' | 'initial';

export interface ChartNode {
  /** The state's id in the machine, such as `job.tools.run`. */
  id: string;
  title: string;
  /** Further lines in the box: description, invoked actors, and the gate that they wait for. */
  lines: string[];
  isFinal: boolean;
  /** Key of the first child state; null for a state without children. */
  initial: string | null;
  children: ChartNode[];
}

export interface ChartEdge {
  /** `<source>→<target>:<kind>`, the value of `edgeKey` for a transition that was taken. */
  key: string;
  source: string;
  target: string;
  kind: EdgeKind;
  /** One per transition: several transitions between the same two states share one arrow. */
  labels: string[];
}

export interface ChartModel {
  id: string;
  nodes: ChartNode[];
  edges: ChartEdge[];
}

export function chartOf(machine: AnyStateMachine): ChartModel {
  const edges = new Map<string, ChartEdge>();
  collectEdges(machine.root, edges);
  return {
    id: machine.id,
    nodes: childrenOf(machine.root).map(nodeOf),
    edges: [...edges.values()],
  };
}

/** The key of the arrow for this transition; null where it has no target. */
export function edgeKey(transition: {
  source: { id: string };
  target: readonly { id: string }[] | undefined;
  eventType: string | null;
}): string | null {
  const target = transition.target?.[0];
  if (target === undefined) return null;
  return `${transition.source.id}→${target.id}:${kindOf(transition.eventType ?? '')}`;
}

const childrenOf = (node: AnyStateNode): AnyStateNode[] => Object.values(node.states);

function nodeOf(node: AnyStateNode): ChartNode {
  const meta = (node.meta ?? {}) as { label?: string; gate?: string };
  const invokes = node.invoke.map(({ id }) => `runs ${id}`);
  const lines = [meta.label, ...invokes, meta.gate && `gate of the ${meta.gate}`];
  return {
    id: node.id,
    title: node.key,
    lines: lines.filter((line) => line !== undefined),
    isFinal: node.type === 'final',
    initial: node.type === 'compound' ? (node.initial.target[0]?.key ?? null) : null,
    children: childrenOf(node).map(nodeOf),
  };
}

function collectEdges(node: AnyStateNode, edges: Map<string, ChartEdge>): void {
  const transitions = [...node.transitions.values()].flat();
  for (const transition of [...transitions, ...(node.always ?? [])]) addEdge(transition, edges);
  for (const child of childrenOf(node)) collectEdges(child, edges);
}

function addEdge(transition: AnyTransitionDefinition, edges: Map<string, ChartEdge>): void {
  const key = edgeKey(transition);
  const target = transition.target?.[0];
  if (key === null || target === undefined) return;
  const kind = kindOf(transition.eventType);
  const edge = edges.get(key) ?? {
    key,
    source: transition.source.id,
    target: target.id,
    kind,
    labels: [],
  };
  edges.set(key, edge);
  const label = labelOf(transition, kind);
  if (!edge.labels.includes(label)) edge.labels.push(label);
}

function kindOf(eventType: string): EdgeKind {
  if (eventType === '') return 'always';
  if (eventType.startsWith('xstate.done.')) return 'done';
  if (eventType.startsWith('xstate.error.')) return 'error';
  return eventType.startsWith('xstate.after.') ? 'after' : 'event';
}

function labelOf({ eventType, guard }: AnyTransitionDefinition, kind: EdgeKind): string {
  const condition = typeof guard === 'string' ? guard : (guard as { type?: string })?.type;
  const words: Record<EdgeKind, string> = {
    always: condition === undefined ? 'else' : '',
    done: `${eventType.split('.')[3] ?? ''} done`,
    error: `${eventType.split('.')[3] ?? ''} failed`,
    after: `after ${eventType.split('.')[2] ?? ''}`,
    event: eventType,
    initial: '',
  };
  return [words[kind], condition && `[${condition}]`].filter(Boolean).join(' ');
}
