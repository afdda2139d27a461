/** The MCP tools that a model is offered for one message: few, so that a small model chooses well. */
import type {
  ModelOperation,
  ModelParam,
  ModelTool,
  Resolver,
} from '#language/classification/operation-port';
import { externalToolsText } from '#language/prompts/classification-prompt';
import { oneLine } from '#tools/sanitize-text';
import type { OfferedRead } from './mcp-port.ts';
import type { McpServer } from './mcp-server.ts';
import type { McpSettings } from './mcp-settings.ts';
import { mayUse, toolNameOf } from './mcp-tool.ts';
import { modelSchemaOf } from './model-schema.ts';
import { isReady, type CatalogTool, type ReadyTool } from './tool-catalog.ts';
import { createToolRanking, type ToolRanking } from './tool-ranking.ts';

type Limits = Pick<McpSettings['limits'], 'toolsOffered' | 'promptChars'>;

interface Listed {
  server: McpServer;
  tool: ReadyTool;
}

/** Chooses tools; the index is made anew when a server's list has changed. */
export function createToolOffer(servers: readonly McpServer[], limits: Limits) {
  let indexed: (readonly CatalogTool[])[] = [];
  let ranking: ToolRanking<Listed> = createToolRanking([], rankedFields);
  const present = (): ToolRanking<Listed> => {
    const lists = servers.map(({ tools }) => tools);
    if (lists.some((list, index) => list !== indexed[index])) {
      const tools = servers.flatMap((server, index) =>
        lists[index]!.filter(isReady).map((tool) => ({ server, tool })),
      );
      ranking = createToolRanking(tools, rankedFields);
      indexed = lists;
    }
    return ranking;
  };
  /** Best first, at most `toolsOffered`. */
  const choose = (message: string, userId: string, isWanted: (tool: ReadyTool) => boolean) =>
    present()
      .rank(message)
      .filter(({ server, tool }) => mayUse(server, userId) && isWanted(tool))
      .slice(0, limits.toolsOffered);
  return {
    /** The chosen tools in the form of the language's port; together at most `promptChars` in the prompt. */
    modelTools(message: string, userId: string): ModelTool[] {
      const offered: Listed[] = [];
      const operations: ModelOperation[] = [];
      for (const listed of choose(message, userId, () => true)) {
        const operation = toOperation(listed);
        if (externalToolsText([...operations, operation]).length > limits.promptChars) continue;
        offered.push(listed);
        operations.push(operation);
      }
      const ids = [...new Set(offered.map(({ server }) => server.id))];
      return ids.map((id) => ({
        name: toolNameOf(id),
        aliases: [id],
        isConfigured: true,
        operations: operations.filter(({ tool }) => tool === toolNameOf(id)),
      }));
    },

    /** The chosen reads as functions; together at most `promptChars` in the request. */
    reads(question: string, userId: string): OfferedRead[] {
      let chars = 0;
      return choose(question, userId, ({ effect }) => effect === 'reads')
        .map(toRead)
        .filter((read) => {
          const size = JSON.stringify(read).length;
          if (chars + size > limits.promptChars) return false;
          chars += size;
          return true;
        });
    },
  };
}

const toRead = ({ server, tool: { name, definition } }: Listed): OfferedRead => ({
  tool: toolNameOf(server.id),
  operation: name,
  server: server.id,
  description: oneLine(definition.description ?? definition.title ?? name, readChars),
  parameters: modelSchemaOf(definition.inputSchema),
});

const readChars = 300;

const rankedFields = ({ server, tool }: Listed) => ({
  server: server.id,
  name: `${tool.name} ${tool.definition.title ?? ''}`,
  description: tool.definition.description ?? '',
  parameters: Object.keys(tool.definition.inputSchema.properties ?? {}),
  words: Object.hasOwn(server.settings.words, tool.name) ? server.settings.words[tool.name]! : [],
});

const summaryChars = 120;
const enumChars = 80;
const paramsMax = 12;

function toOperation({ server, tool }: Listed): ModelOperation {
  const { definition, name, effect } = tool;
  // Required parameters first: of a long list the others are left out.
  const { properties = {}, required = [] } = modelSchemaOf(definition.inputSchema) as {
    properties?: Record<string, ShownSchema>;
    required?: string[];
  };
  const params = Object.entries(properties)
    .slice(0, Math.max(paramsMax, required.length))
    .map(([param, schema]): [string, ModelParam] => [param, toParam(schema)]);
  return {
    tool: toolNameOf(server.id),
    operation: name,
    effect: effect === 'reads' ? 'reads' : 'drafts',
    summary: oneLine(definition.description ?? definition.title ?? name, summaryChars),
    examples: [],
    params: Object.fromEntries(params),
    required,
    resolve: coerceParams(properties),
  };
}

/** As `modelSchemaOf` makes it. */
interface ShownSchema {
  type?: string;
  enum?: unknown[];
}

function toParam({ type, enum: values }: ShownSchema): ModelParam {
  const isShort = values !== undefined && values.join('|').length <= enumChars;
  const words = isShort ? values.map((value) => oneLine(String(value), enumChars)) : undefined;
  return {
    ...(type === undefined ? {} : { type }),
    ...(words === undefined ? {} : { enum: words }),
    ...(type === 'boolean' ? { hint: 'true|false' } : {}),
  };
}

/** Small models write values as text: they get the type that the schema names. */
const coerceParams =
  (properties: Record<string, ShownSchema>): Resolver =>
  (params) => ({
    ok: true,
    params: Object.fromEntries(
      Object.entries(params).map(([name, value]) => [
        name,
        coerce(value, Object.hasOwn(properties, name) ? properties[name]?.type : undefined),
      ]),
    ),
  });

function coerce(value: unknown, type: string | undefined): unknown {
  if (typeof value !== 'string') return value;
  if (type === 'boolean' && /^(?:true|false)$/i.test(value)) return value.toLowerCase() === 'true';
  if (type !== 'array' && type !== 'object') return value;
  try {
    const parsed: unknown = JSON.parse(value);
    if (typeof parsed === 'object' && parsed !== null) return parsed;
  } catch {
    // Not JSON: one value.
  }
  return type === 'array' ? [value] : value;
}
