/**
 * One MCP server as a tool of the registry: its listed tools are the operations. A tool that writes is two operations: a
 * draft under its own name, which a model may request, and the write, which only the job machine calls with a
 * confirmed draft.
 *
 * 1. The draft shows server, tool and the whole input exactly as it is sent; an input too long to be shown is refused.
 * 2. A write whose answer is not known is uncertain and is not sent again, not even after a restart. Only a trusted
 *    server's idempotent tool is tried twice.
 */
import { AjvJsonSchemaValidator } from '@modelcontextprotocol/client/validators/ajv';
import { z } from 'zod';
import type { Locale } from '#machines/texts';
import { messageOf, type ErrorCode } from '#shared/errors';
import { oneLine, truncate } from '#tools/sanitize-text';
import type {
  CallContext,
  Operation,
  Proposal,
  ReadOperation,
  Tool,
  ToolAnswer,
  ToolError,
  WriteOperation,
} from '#tools/tool';
import { toolError, toolTextsOf } from '#tools/tool-texts';
import { McpCallError, type CallFailureKind, type CallToolResult } from './mcp-connection.ts';
import type { McpServer } from './mcp-server.ts';
import { mcpTextsOf } from './mcp-texts.ts';
import { isReady, type CatalogTool } from './tool-catalog.ts';
import { resultText } from './tool-result.ts';

type Arguments = Record<string, unknown>;

export interface McpToolOptions {
  server: McpServer;
  resultChars: number;
  /** Milliseconds for a call with the start of its server. */
  limitMs: number;
}

/** Name of the server's tool in calls: no tool of Gatehouse has a colon in its name. */
export const toolNameOf = (serverId: string): string => `mcp:${serverId}`;

/** Ends the name of the operation that writes: no name of an MCP tool may contain a colon. */
const confirmedSuffix = ':confirmed';

/** Characters of the input in a draft. */
const inputCharsMax = 4_000;
const errorCharsMax = 400;

/** Any object, kept as it is: the server's own schema decides. */
const argumentsSchema = z.record(z.string(), z.unknown()).meta({ isExact: true });

export function createMcpTool(options: McpToolOptions): Tool {
  const { server, limitMs } = options;
  return {
    name: toolNameOf(server.id),
    label: { ko: mcpTextsOf('ko').label(server.id), en: mcpTextsOf('en').label(server.id) },
    aliases: [server.id],
    limitMs,
    uncertain: {
      ko: mcpTextsOf('ko').uncertain(server.id),
      en: mcpTextsOf('en').uncertain(server.id),
    },
    /** Read at each call: the server may have changed its tools. */
    get operations() {
      return Object.fromEntries(server.tools.flatMap((tool) => operationsOf(tool, options)));
    },
  };
}

function operationsOf(tool: CatalogTool, options: McpToolOptions): [string, Operation][] {
  const base = { description: descriptionOf(tool), schema: argumentsSchema };
  if (tool.effect === 'reads') return [[tool.name, readOperation(tool, base, options)]];
  const writes = `${tool.name}${confirmedSuffix}`;
  return [
    [tool.name, { ...base, effect: 'drafts', writes }],
    [writes, writeOperation(tool, base, options)],
  ];
}

const descriptionOf = ({ definition }: CatalogTool): string =>
  oneLine(definition?.description ?? '', 200);

type Base = Pick<ReadOperation, 'description' | 'schema'>;

const readOperation = (tool: CatalogTool, base: Base, options: McpToolOptions): ReadOperation => ({
  ...base,
  effect: 'reads',
  async run(params, context) {
    const args = params as Arguments;
    const known = await knownTool(tool, options.server, context.locale);
    if ('code' in known) return known;
    const fault = findFault(known, args, options.server, context);
    if (fault !== null) return fault;
    if (known.effect === 'writes') {
      // Its hints say that it writes, and a model did not know that when it asked for the read.
      return callToolError('refused', 'asks for a confirmation', known, context.locale, false);
    }
    const { signal } = context;
    const result = await call(tool, options.server, args, {
      signal,
      isRepeatable: true,
      isFresh: false,
    });
    if (!result.ok) return callToolError(result.kind, result.message, tool, context.locale, false);
    return toAnswer(result.value, known, options.resultChars, context.locale, false);
  },
});

const writeOperation = (
  tool: CatalogTool,
  base: Base,
  { server, resultChars }: McpToolOptions,
): WriteOperation => ({
  ...base,
  effect: 'writes',
  async propose(params, context): Promise<Proposal> {
    const args = params as Arguments;
    const known = await knownTool(tool, server, context.locale);
    if ('code' in known) return known;
    const fault = findFault(known, args, server, context);
    if (fault !== null) return fault;
    const texts = mcpTextsOf(context.locale);
    const input = exactJson(args);
    if (input.length > inputCharsMax) {
      return toolError(
        'GH_TOOL_INPUT',
        'the input is too long to be shown',
        texts.tooLong(inputCharsMax),
      );
    }
    const summary = texts.draft(server.id, tool.name, input);
    return { ok: true, params: args, data: { server: server.id, tool: tool.name }, summary };
  },
  merge: (params, changes) => ({ ...params, ...changes }),
  async execute(params, context) {
    const args = params as Arguments;
    const { locale, signal } = context;
    const known = await knownTool(tool, server, locale);
    const isRepeatable =
      server.settings.trusted &&
      'definition' in known &&
      known.definition?.annotations?.idempotentHint === true;
    // The process ended while the call was in flight: the server may have received it.
    if (context.isRepeat === true && !isRepeatable) {
      return uncertain(tool, locale, 'the process ended during the call');
    }
    if ('code' in known) return known;
    const fault = findFault(known, args, server, context);
    if (fault !== null) return fault;
    const result = await call(tool, server, args, { signal, isRepeatable, isFresh: true });
    if (!result.ok) return callToolError(result.kind, result.message, tool, locale, true);
    return toAnswer(result.value, known, resultChars, locale, true);
  },
});

/** The tool with its definition: right after a start the server has not given its list yet. */
async function knownTool(
  tool: CatalogTool,
  server: McpServer,
  locale: Locale,
): Promise<CatalogTool | ToolError> {
  if (tool.state !== 'unknown') return tool;
  try {
    await server.refresh();
  } catch (error) {
    if (!(error instanceof McpCallError)) throw error;
    return callToolError(error.kind, messageOf(error), tool, locale, false);
  }
  return server.tools.find(({ name }) => name === tool.name) ?? tool;
}

/** Why the call is not made; null if nothing is against it. */
function findFault(
  tool: CatalogTool,
  args: Arguments,
  server: McpServer,
  { userId, locale }: CallContext,
): ToolError | null {
  const texts = mcpTextsOf(locale);
  const name = `${tool.server}.${tool.name}`;
  if (!mayUse(server, userId)) {
    return toolError('GH_TOOL_UNKNOWN', `${name}: not for this user`, toolTextsOf(locale).unknown);
  }
  if (tool.state === 'quarantined') {
    const changed = `${name}: changed ${tool.changed.join(', ')}`;
    return toolError('GH_MCP_QUARANTINED', changed, texts.quarantined(tool.server, tool.name));
  }
  if (!isReady(tool)) {
    return toolError('GH_TOOL_UNKNOWN', `${name}: missing`, texts.missing(tool.server, tool.name));
  }
  return findInputFault(tool, args, locale);
}

export const mayUse = ({ settings: { users } }: McpServer, userId: string): boolean =>
  users === undefined || users.includes(userId);

function findInputFault(
  {
    name,
    server,
    definition,
  }: CatalogTool & { definition: NonNullable<CatalogTool['definition']> },
  args: Arguments,
  locale: Locale,
): ToolError | null {
  const { required = [] } = definition.inputSchema;
  // A change of the draft, such as a new time, that this tool has no place for.
  const foreign = foreignKeys(definition.inputSchema, args);
  if (foreign.length > 0) {
    const names = oneLine(foreign.join(', '), 200);
    const summary = mcpTextsOf(locale).notChangeable(names);
    return toolError('GH_TOOL_INPUT', `${server}.${name}: has no ${names}`, summary);
  }
  const missing = required.filter((key) => !Object.hasOwn(args, key));
  const problem =
    missing.length > 0 ? `lacks ${missing.join(', ')}` : mismatch(definition.inputSchema, args);
  if (problem === null) return null;
  const fields = oneLine(missing.join(', '), 200);
  const message = `${server}.${name}: ${truncate(problem, 200)}`;
  return toolError('GH_TOOL_INPUT', message, toolTextsOf(locale).input(fields));
}

/** Keywords with which an object may have properties that `properties` does not name. */
const openKeywords = [
  'additionalProperties',
  'patternProperties',
  'unevaluatedProperties',
  'allOf',
  'anyOf',
  'oneOf',
  'if',
  '$ref',
  'dependentSchemas',
];

/** The keys that the tool does not know; none if its schema leaves them open, and its validator decides. */
function foreignKeys(schema: Readonly<Record<string, unknown>>, args: Arguments): string[] {
  const known = Object.keys(schema['properties'] ?? {});
  const isOpen = openKeywords.some((keyword) => Boolean(schema[keyword]));
  return isOpen || known.length === 0
    ? []
    : Object.keys(args).filter((key) => !known.includes(key));
}

/**
 * Each schema with a validator of its own: in a common one, a second schema with the same `$id` is checked as the first,
 * and the schemas of each list that a server gives stay in memory.
 */
const validators = new WeakMap<object, ReturnType<AjvJsonSchemaValidator['getValidator']>>();

function validatorOf(schema: object): ReturnType<AjvJsonSchemaValidator['getValidator']> {
  const known = validators.get(schema) ?? new AjvJsonSchemaValidator().getValidator(schema);
  validators.set(schema, known);
  return known;
}

/** Why a value does not fit a schema of the server; null if it does. */
function mismatch(schema: object, value: unknown): string | null {
  try {
    const outcome = validatorOf(schema)(value);
    return outcome.valid ? null : (outcome.errorMessage ?? 'does not fit the schema');
  } catch {
    // The schema itself is broken: the server decides about the input.
    return null;
  }
}

type CallOutcome =
  | { ok: true; value: CallToolResult }
  | { ok: false; kind: CallFailureKind; message: string };

async function call(
  tool: CatalogTool,
  server: McpServer,
  args: Arguments,
  options: Parameters<McpServer['call']>[2],
): Promise<CallOutcome> {
  try {
    return { ok: true, value: await server.call(tool.name, args, options) };
  } catch (error) {
    if (!(error instanceof McpCallError)) throw error;
    return { ok: false, kind: error.kind, message: truncate(messageOf(error), errorCharsMax) };
  }
}

/** The error of a call that gave no result. @param isWrite what the server may have received is uncertain */
function callToolError(
  kind: CallFailureKind,
  message: string,
  tool: CatalogTool,
  locale: Locale,
  isWrite: boolean,
): ToolError {
  const { server, name } = tool;
  const texts = mcpTextsOf(locale);
  const said = (code: ErrorCode, summary: string): ToolError => toolError(code, message, summary);
  switch (kind) {
    case 'refused':
      return said('GH_TOOL_REFUSED', texts.refused(server, name));
    case 'quarantined':
      return said('GH_MCP_QUARANTINED', texts.quarantined(server, name));
    case 'unreachable':
      return said('GH_TOOL_UNREACHABLE', texts.unreachable(server));
    case 'login':
      return said('GH_TOOL_LOGIN', texts.login(server));
    case 'logged_out':
      return said('GH_TOOL_LOGIN', texts.loginAgain(server));
    default:
      break;
  }
  if (isWrite) return uncertain(tool, locale, message);
  if (kind === 'unreadable') return said('GH_TOOL_UNREADABLE', texts.unreadable(server, name));
  return kind === 'timeout'
    ? said('GH_TOOL_TIMEOUT', texts.timeout(server, name))
    : said('GH_TOOL_UNREACHABLE', texts.unreachable(server));
}

const uncertain = ({ server, name }: CatalogTool, locale: Locale, message: string): ToolError =>
  toolError('GH_TOOL_UNCERTAIN', message, mcpTextsOf(locale).uncertain(`${server}.${name}`));

function toAnswer(
  result: CallToolResult,
  tool: CatalogTool,
  charsMax: number,
  locale: Locale,
  isWrite: boolean,
): ToolAnswer {
  const { server, name, definition } = tool;
  const texts = mcpTextsOf(locale);
  const text = resultText(result, charsMax, locale);
  if (result.isError === true) {
    const reason = truncate(text === '' ? texts.empty : text, errorCharsMax);
    const message = `${server}.${name} reported an error`;
    return toolError('GH_TOOL_FAILED', message, texts.toolFailed(server, name, reason));
  }
  const schema = definition?.outputSchema;
  const problem = schema === undefined ? null : mismatch(schema, result.structuredContent);
  if (problem !== null) {
    const message = `${server}.${name}: its structured content does not fit its schema`;
    return callToolError('unreadable', message, tool, locale, isWrite);
  }
  const shown = text === '' ? texts.empty : text;
  const summary = isWrite ? texts.done(server, name, shown) : texts.result(server, name, shown);
  return { ok: true, data: { server, tool: name, is_external: true, chars: text.length }, summary };
}

/** JSON of the input. Characters that are not seen, or that change the order of the text, are escaped. */
export const exactJson = (args: object): string =>
  JSON.stringify(args, null, 2).replace(
    /[^\P{C}\n]|[\u115f\u1160\u2800\u3164\uffa0]/gu,
    (character) =>
      Array.from({ length: character.length }, (_, at) => escaped(character.charCodeAt(at))).join(
        '',
      ),
  );

const escaped = (unit: number): string => `\\u${unit.toString(16).padStart(4, '0')}`;
