/**
 * The tools of one server that exist for Gatehouse: those that the configuration lists, with the definition that the
 * server gave last. The configuration decides what a tool may do; hints of the server can only make a read ask.
 */
import type { ToolDefinition } from './mcp-connection.ts';
import type { McpServerSettings } from './mcp-settings.ts';
import { changedParts, definitionHash, type ToolPin, type ToolPins } from './tool-pins.ts';

export type ToolState =
  /** The server has not given its list yet. */
  | 'unknown'
  /** Its definition is the accepted one. */
  | 'ready'
  /** The server changed its definition, or gave two of this name: not used until a person accepts it. */
  | 'quarantined'
  /** The configuration lists it, but the server does not have it. */
  | 'missing';

export interface CatalogTool {
  server: string;
  name: string;
  /** `writes`: it runs after the confirmation of a person. */
  effect: 'reads' | 'writes';
  /** A listed read that asks, because its hints say that it changes something. */
  isTightened: boolean;
  state: ToolState;
  /** Null if it is not known or missing. */
  definition: ToolDefinition | null;
  /** Of a quarantined tool: what differs from the accepted definition. */
  changed: string[];
  /** The accepted definition; null if there is none. */
  pin: ToolPin | null;
}

export type ReadyTool = CatalogTool & { state: 'ready'; definition: ToolDefinition };

export const isReady = (tool: CatalogTool): tool is ReadyTool => tool.state === 'ready';

/**
 * The listed tools with their states. A definition that is seen for the first time is accepted.
 * @throws GatehouseError GH_MCP_PINS
 */
export function catalogOf(
  settings: Pick<McpServerSettings, 'id' | 'reads' | 'writes'>,
  offered: readonly ToolDefinition[],
  pins: ToolPins,
): CatalogTool[] {
  const { id, reads, writes } = settings;
  // A list that gives the same definition twice, as on two pages, has one tool.
  const named = (name: string): ToolDefinition[] => {
    const found = offered.filter((one) => one.name === name);
    return [...new Map(found.map((one) => [definitionHash(one), one])).values()];
  };
  const firstSeen = [...reads, ...writes]
    .map(named)
    .filter((found) => found.length === 1 && pins.find(id, found[0]!.name) === undefined)
    .map(([definition]) => definition!);
  if (firstSeen.length > 0) pins.acceptNew(id, firstSeen);

  const toTool = (name: string, effect: 'reads' | 'writes'): CatalogTool => {
    const [definition, second] = named(name);
    const pin = pins.find(id, name) ?? null;
    const tool = { server: id, name, effect, isTightened: false, changed: [], pin };
    if (definition === undefined) return { ...tool, state: 'missing', definition: null };
    const isTightened = effect === 'reads' && saysThatItWrites(definition);
    const known = { ...tool, definition, isTightened, effect: isTightened ? 'writes' : effect };
    if (second !== undefined) return { ...known, state: 'quarantined', changed: ['name'] };
    return pin?.hash === definitionHash(definition)
      ? { ...known, state: 'ready' }
      : { ...known, state: 'quarantined', changed: pin ? changedParts(pin, definition) : [] };
  };
  return [
    ...reads.map((name) => toTool(name, 'reads')),
    ...writes.map((name) => toTool(name, 'writes')),
  ];
}

/**
 * The listed tools without their definitions: `unknown` before the server has given its list, `quarantined` if the
 * accepted definitions cannot be read.
 */
export const withoutDefinitions = (
  { id, reads, writes }: Pick<McpServerSettings, 'id' | 'reads' | 'writes'>,
  state: 'unknown' | 'quarantined',
): CatalogTool[] => {
  const toTool = (name: string, effect: CatalogTool['effect']): CatalogTool => ({
    server: id,
    name,
    effect,
    isTightened: false,
    state,
    definition: null,
    changed: [],
    pin: null,
  });
  return [
    ...reads.map((name) => toTool(name, 'reads')),
    ...writes.map((name) => toTool(name, 'writes')),
  ];
};

/** Only a stated hint counts: without hints the configuration decides. */
function saysThatItWrites({ annotations }: ToolDefinition): boolean {
  return annotations?.destructiveHint === true || annotations?.readOnlyHint === false;
}
