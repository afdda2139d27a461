/**
 * Repairs the lists of tools that servers send, before the SDK reads them: it refuses a whole list for one odd tool.
 * Values that are null count as absent, a missing input schema as any object; a tool that stays unreadable is left out
 * and logged. A page that names itself as the next one ends the list.
 */
import type { Log } from '#shared/log';
import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client';
import { oneLine } from '#tools/sanitize-text';

type Fields = Record<string, unknown>;

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Call it before the client connects: the client sets `onmessage` then. */
export function repairToolLists(transport: Transport, log: Log): void {
  let read: Transport['onmessage'];
  let cursors = new Set<string>();
  Object.defineProperty(transport, 'onmessage', {
    configurable: true,
    enumerable: true,
    get: () => read,
    set(next: Transport['onmessage']) {
      read =
        next === undefined
          ? undefined
          : (message, extra) => next(repaired(message, log, cursors), extra);
    },
  });
  const send = transport.send.bind(transport);
  transport.send = (message, options) => {
    const isFirstPage =
      'method' in message &&
      message.method === 'tools/list' &&
      message.params?.['cursor'] === undefined;
    if (isFirstPage) cursors = new Set();
    return send(message, options);
  };
}

function repaired(message: JSONRPCMessage, log: Log, cursors: Set<string>): JSONRPCMessage {
  const result = 'result' in message ? (message.result as unknown) : null;
  if (!isObject(result) || !Array.isArray(result['tools'])) return message;
  const tools = (result['tools'] as unknown[]).flatMap((tool) => {
    const one = repairedTool(tool);
    if (one === null) {
      const name = isObject(tool) ? oneLine(String(tool['name']), 80) : '';
      log.warn({ tool: name }, 'an MCP tool whose definition cannot be read is left out');
    }
    return one ?? [];
  });
  const { nextCursor, ...rest } = result;
  const isMore = typeof nextCursor === 'string' && nextCursor !== '' && !cursors.has(nextCursor);
  if (isMore) cursors.add(nextCursor);
  else if (typeof nextCursor === 'string' && nextCursor !== '') {
    log.warn({ pages: cursors.size + 1 }, 'a list of MCP tools names the same page again');
  }
  return { ...message, result: { ...rest, tools, ...(isMore ? { nextCursor } : {}) } };
}

/** Fields that must have this type; others are dropped. */
const optionalFields: Readonly<Record<string, (value: unknown) => boolean>> = {
  title: (value) => typeof value === 'string',
  description: (value) => typeof value === 'string',
  outputSchema: isObject,
  annotations: isObject,
  execution: isObject,
  icons: Array.isArray,
  _meta: isObject,
};

/** Null: it has no name, or its input is no object. */
function repairedTool(tool: unknown): Fields | null {
  if (!isObject(tool) || typeof tool['name'] !== 'string' || tool['name'] === '') return null;
  const kept = Object.entries(tool).filter(
    ([field, value]) => optionalFields[field]?.(value) ?? true,
  );
  const one = Object.fromEntries(kept);
  const inputSchema = one['inputSchema'] ?? {};
  if (!isObject(inputSchema) || (inputSchema['type'] ?? 'object') !== 'object') return null;
  // Both keep their order and wording for the hash of the definition, unless they must be repaired.
  one['inputSchema'] = withObjectParts(inputSchema);
  if (isObject(one['annotations'])) one['annotations'] = repairedHints(one['annotations']);
  return one;
}

function withObjectParts(schema: Fields): Fields {
  const { properties, required, ...rest } = schema;
  return {
    ...rest,
    type: 'object',
    ...(isObject(properties) ? { properties } : {}),
    ...(Array.isArray(required)
      ? { required: required.filter((name) => typeof name === 'string') }
      : {}),
  };
}

/** Hints written as text count: they may only make a tool ask. */
function repairedHints(annotations: Fields): Fields {
  const hints = Object.entries(annotations).flatMap(([name, value]): [string, unknown][] => {
    if (!name.endsWith('Hint')) return typeof value === 'string' ? [[name, value]] : [];
    if (value === 'true' || value === 'false') return [[name, value === 'true']];
    return typeof value === 'boolean' ? [[name, value]] : [];
  });
  return Object.fromEntries(hints);
}
