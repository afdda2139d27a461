/**
 * The definitions of tools that are accepted, by server and tool, in a file beside the data. The definition that is seen
 * first is accepted; a later one with another hash is not used until a person accepts it.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { GatehouseError, messageOf } from '#shared/errors';
import type { ToolDefinition } from './mcp-connection.ts';
import { fileVersion, replacePrivateFile, withWriteLock } from './private-file.ts';

const pinsFile = z.object({
  servers: z.record(
    z.string(),
    z.record(
      z.string(),
      z.object({
        hash: z.string(),
        acceptedAt: z.string(),
        /** The parts of the accepted definition, each with its own hash: a change names its parts. */
        parts: z.record(z.string(), z.string()),
      }),
    ),
  ),
});
type Pins = z.infer<typeof pinsFile>['servers'];
export type ToolPin = Pins[string][string];

export interface ToolPins {
  /** The accepted definition; undefined: none of this tool was seen yet. */
  find(server: string, tool: string): ToolPin | undefined;
  /** Changes whenever the file does. */
  version(): string;
  /** Accepts these definitions. @throws GatehouseError GH_MCP_PINS */
  accept(server: string, definitions: readonly ToolDefinition[]): void;
  /** Accepts those of which no definition is accepted. @throws GatehouseError GH_MCP_PINS */
  acceptNew(server: string, definitions: readonly ToolDefinition[]): void;
}

/** The pinned parts. The schema of results is one of them: it decides how an answer is read. */
const partsOf = (definition: ToolDefinition): Record<string, unknown> => {
  const { name, title, description, inputSchema, outputSchema, annotations } = definition;
  return { name, title, description, inputSchema, outputSchema, annotations };
};

export const definitionHash = (definition: ToolDefinition): string => hashOf(partsOf(definition));

/** The names of the parts that differ from the accepted definition. */
export function changedParts(pin: ToolPin, definition: ToolDefinition): string[] {
  return Object.entries(partsOf(definition))
    .filter(([name, part]) => pin.parts[name] !== hashOf(part))
    .map(([name]) => name);
}

/** @param path of the file; it is made with the first accepted definition */
export function openToolPins(path: string, now: () => number): ToolPins {
  let pins: Pins = {};
  let readAt = '';
  /** Another process, `gatehouse mcp accept`, may have changed the file. */
  const refresh = (): Pins => {
    const version = fileVersion(path);
    if (version !== readAt) {
      pins = version === '' ? {} : readPins(path);
      readAt = version;
    }
    return pins;
  };
  const add = (
    server: string,
    definitions: readonly ToolDefinition[],
    isWanted: (known: ToolPin | undefined) => boolean,
  ): void =>
    write(path, () => {
      const acceptedAt = new Date(now()).toISOString();
      const before = refresh();
      const known = ownValue(before, server);
      const accepted = definitions
        .filter(({ name }) => isWanted(ownValue(known, name)))
        .map((definition) => [definition.name, pinOf(definition, acceptedAt)] as const);
      if (accepted.length === 0) return;
      const changed = { ...known, ...Object.fromEntries(accepted) };
      replacePrivateFile(path, { servers: { ...before, [server]: changed } });
    });
  return {
    version: () => fileVersion(path),
    find: (server, tool) => ownValue(ownValue(refresh(), server), tool),
    accept: (server, definitions) => add(server, definitions, () => true),
    acceptNew: (server, definitions) => add(server, definitions, (known) => known === undefined),
  };
}

function pinOf(definition: ToolDefinition, acceptedAt: string): ToolPin {
  const parts = Object.entries(partsOf(definition)).map(([name, part]) => [name, hashOf(part)]);
  return { hash: definitionHash(definition), acceptedAt, parts: Object.fromEntries(parts) };
}

const ownValue = <Value>(
  record: Record<string, Value> | undefined,
  name: string,
): Value | undefined =>
  record !== undefined && Object.hasOwn(record, name) ? record[name] : undefined;

/** A file that cannot be read accepts nothing: without it, a changed tool would pass for a new one. */
function readPins(path: string): Pins {
  try {
    return pinsFile.parse(JSON.parse(readFileSync(path, 'utf8'))).servers;
  } catch (error) {
    throw new GatehouseError('GH_MCP_PINS', `${path}: ${messageOf(error)}`, { cause: error });
  }
}

/** @throws GatehouseError GH_MCP_PINS */
function write(path: string, change: () => void): void {
  try {
    withWriteLock(path, change);
  } catch (error) {
    if (error instanceof GatehouseError) throw error;
    throw new GatehouseError('GH_MCP_PINS', `${path}: ${messageOf(error)}`, { cause: error });
  }
}

const hashOf = (value: unknown): string =>
  createHash('sha256').update(canonicalJson(value)).digest('hex');

/** JSON with sorted keys: a server may write the same definition in another order. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const entries = Object.entries(value)
    .filter(([, inner]) => inner !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, inner]) => `${JSON.stringify(key)}:${canonicalJson(inner)}`);
  return `{${entries.join(',')}}`;
}
