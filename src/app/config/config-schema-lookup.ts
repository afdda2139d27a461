/**
 * Looks up a path of the configuration file in the schema: which keys are known there, and whether the value may
 * be quoted in an error message.
 *
 * S1. A value is quoted only where the schema expects a plain scalar that is neither a secret nor a URL: a
 *     malformed file may contain a secret anywhere else.
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

/** Built on first use: only error messages and environment variables need it. */
const schemaRoot = (): Node =>
  (root ??= z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as Node);

const scalarTypes = new Set(['string', 'number', 'integer', 'boolean', 'null']);

/** A union is replaced by its branches. */
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

/** The keys of a mapping at this path; empty if it is not a mapping, or a record with free keys. */
export const knownKeys = (path: Path): string[] => [
  ...new Set(nodesAt(path).flatMap((node) => Object.keys(node.properties ?? {}))),
];

/** Whether a scalar at this path may be quoted in an error message (S1). */
export function isSafeToQuote(path: Path): boolean {
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

/** `number` or `boolean` if the schema accepts only this type at the path, else null. */
export function expectedScalar(path: Path): 'number' | 'boolean' | null {
  const types = new Set(
    nodesAt(path).map((node) => (node.type === 'integer' ? 'number' : node.type)),
  );
  const [only] = types;
  return types.size === 1 && (only === 'number' || only === 'boolean') ? only : null;
}

/** Whether the schema accepts only a list at this path. */
export function expectsList(path: Path): boolean {
  const nodes = nodesAt(path);
  return nodes.length > 0 && nodes.every(({ type }) => type === 'array');
}

/** Whether the schema accepts `null` at this path, in addition to a scalar that is not secret. */
export const isNullableScalar = (path: Path): boolean =>
  isSafeToQuote(path) && nodesAt(path).some(({ type }) => type === 'null');

let cachedSchemaKeys: ReadonlySet<string> | undefined;

function allSchemaKeys(): ReadonlySet<string> {
  if (cachedSchemaKeys !== undefined) return cachedSchemaKeys;
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
  return (cachedSchemaKeys = keys);
}

export const isSchemaKey = (key: string): boolean => allSchemaKeys().has(key);

/** Largest edit distance that still counts as a misspelling. */
const editsMax = 2;

/** Whether an unknown key is a misspelling of a known key, so that its name cannot be a secret. */
export const isMisspelling = (key: string): boolean =>
  key.length >= 3 &&
  [...allSchemaKeys()].some(
    (known) =>
      Math.abs(known.length - key.length) <= editsMax &&
      levenshteinDistance(known.toLowerCase(), key.toLowerCase()) <=
        Math.min(editsMax, known.length - 2),
  );

function levenshteinDistance(one: string, other: string): number {
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
