/**
 * What the schema says about one place of the configuration file, found by its path: which keys are known,
 * and whether a value that stands there may be repeated in an error message.
 *
 * S1. A value is repeated only where the schema expects a plain scalar that is neither secret nor an address:
 *     a file that is out of shape may hold a secret anywhere else.
 */
import { z } from 'zod';
import { configSchema } from './config.ts';

export type Path = readonly PropertyKey[];

interface Node {
  type?: string;
  enum?: unknown[];
  const?: unknown;
  format?: string;
  writeOnly?: boolean;
  properties?: Record<string, Node>;
  additionalProperties?: Node | boolean;
  items?: Node;
  anyOf?: Node[];
  oneOf?: Node[];
}

let root: Node | undefined;

/** Made once, when the first fault is described: a good file never needs it. */
const schemaRoot = (): Node =>
  (root ??= z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as Node);

const scalarTypes = new Set(['string', 'number', 'integer', 'boolean', 'null']);

/** A union counts as its branches. */
const branches = (node: Node): Node[] =>
  [node.anyOf, node.oneOf].some((list) => list !== undefined)
    ? [...(node.anyOf ?? []), ...(node.oneOf ?? [])].flatMap(branches)
    : [node];

function nodesAt(path: Path): Node[] {
  let nodes = branches(schemaRoot());
  for (const part of path) {
    nodes = nodes
      .flatMap((node) => {
        if (typeof part === 'number') return node.items ?? [];
        const known = node.properties?.[String(part)];
        if (known !== undefined) return known;
        return typeof node.additionalProperties === 'object' ? node.additionalProperties : [];
      })
      .flatMap(branches);
  }
  return nodes;
}

/** The keys that a mapping at this place may have; empty where it is no mapping, or one with free keys. */
export const knownKeys = (path: Path): string[] => [
  ...new Set(nodesAt(path).flatMap((node) => Object.keys(node.properties ?? {}))),
];

/** Whether a scalar at this place may be repeated in a message (S1). */
export function isHarmless(path: Path): boolean {
  const nodes = nodesAt(path);
  return (
    nodes.length > 0 &&
    nodes.every(
      (node) =>
        node.writeOnly !== true &&
        node.format !== 'uri' &&
        (node.enum !== undefined || node.const !== undefined || scalarTypes.has(node.type ?? '')),
    )
  );
}

/** `number` or `boolean` where the schema expects nothing else at this place. */
export function expectedScalar(path: Path): 'number' | 'boolean' | null {
  const types = new Set(
    nodesAt(path).map((node) => (node.type === 'integer' ? 'number' : node.type)),
  );
  const [only] = types;
  return types.size === 1 && (only === 'number' || only === 'boolean') ? only : null;
}

/** Whether a list, and nothing else, is expected at this place. */
export function expectsList(path: Path): boolean {
  const nodes = nodesAt(path);
  return nodes.length > 0 && nodes.every(({ type }) => type === 'array');
}

/** Whether `null` may stand at this place beside a scalar that is no secret. */
export const isOptionalPlain = (path: Path): boolean =>
  isHarmless(path) && nodesAt(path).some(({ type }) => type === 'null');

let allKeys: ReadonlySet<string> | undefined;

function everyKey(): ReadonlySet<string> {
  if (allKeys !== undefined) return allKeys;
  const keys = new Set<string>();
  const visit = (node: Node): void => {
    for (const branch of branches(node)) {
      for (const [key, child] of Object.entries(branch.properties ?? {})) {
        keys.add(key);
        visit(child);
      }
      if (branch.items !== undefined) visit(branch.items);
      if (typeof branch.additionalProperties === 'object') visit(branch.additionalProperties);
    }
  };
  visit(schemaRoot());
  return (allKeys = keys);
}

export const isSchemaKey = (key: string): boolean => everyKey().has(key);

/** More edits than this and a name is no misspelling any more. */
const editsMax = 2;

/** Whether an unknown key is a misspelling of a known one, so that its name can be no secret. */
export const isMisspelling = (key: string): boolean =>
  key.length >= 3 &&
  [...everyKey()].some(
    (known) =>
      Math.abs(known.length - key.length) <= editsMax &&
      edits(known.toLowerCase(), key.toLowerCase()) <= Math.min(editsMax, known.length - 2),
  );

/** Levenshtein distance. */
function edits(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (let at = 1; at <= one.length; at += 1) {
    const next = [at];
    for (let to = 1; to <= other.length; to += 1) {
      const replaced = row[to - 1]! + (one[at - 1] === other[to - 1] ? 0 : 1);
      next.push(Math.min(replaced, row[to]! + 1, next[to - 1]! + 1));
    }
    row = next;
  }
  return row[other.length]!;
}
