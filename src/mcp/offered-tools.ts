/** The MCP tools that a model is offered for one message: few, so that a small model chooses well. */
import type {
  ModelOperation,
  ModelParam,
  ModelTool,
  Resolver,
} from '#language/classification/operation-port';
import { externalToolsText } from '#language/prompts/classification-prompt';
import { oneLine } from '#tools/sanitize-text';
import type { McpServer } from './mcp-server.ts';
import type { McpSettings } from './mcp-settings.ts';
import { mayUse, toolNameOf } from './mcp-tool.ts';
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
  return {
    /** Best first, at most `toolsOffered`. */
    choose: (message: string, userId: string): Listed[] =>
      present()
        .rank(message)
        .filter(({ server }) => mayUse(server, userId))
        .slice(0, limits.toolsOffered),

    /** The chosen tools in the form of the language's port; together at most `promptChars` in the prompt. */
    modelTools(message: string, userId: string): ModelTool[] {
      const offered: Listed[] = [];
      const operations: ModelOperation[] = [];
      for (const listed of this.choose(message, userId)) {
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
  };
}

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
  const { properties = {}, required = [] } = definition.inputSchema;
  // Required parameters first: of a long list the others are left out.
  const names = [...new Set([...required, ...Object.keys(properties)])].filter((param) =>
    Object.hasOwn(properties, param),
  );
  const params = names
    .slice(0, Math.max(paramsMax, required.length))
    .map((param): [string, ModelParam] => [param, toParam(properties[param])]);
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

interface PropertySchema {
  type?: string | string[];
  enum?: unknown[];
}

const typeOf = (schema: unknown): string | undefined => {
  const { type } = (typeof schema === 'object' && schema !== null ? schema : {}) as PropertySchema;
  return Array.isArray(type) ? type.find((one) => one !== 'null') : type;
};

function toParam(schema: unknown): ModelParam {
  const type = typeOf(schema);
  const { enum: values } = (
    typeof schema === 'object' && schema !== null ? schema : {}
  ) as PropertySchema;
  const isShort = Array.isArray(values) && values.join('|').length <= enumChars;
  const words = isShort ? values.map((value) => oneLine(String(value), enumChars)) : undefined;
  return {
    ...(type === undefined ? {} : { type }),
    ...(words === undefined ? {} : { enum: words }),
    ...(type === 'boolean' ? { hint: 'true|false' } : {}),
  };
}

/** Small models write values as text: they get the type that the schema names. */
const coerceParams =
  (properties: Record<string, unknown>): Resolver =>
  (params) => ({
    ok: true,
    params: Object.fromEntries(
      Object.entries(params).map(([name, value]) => [
        name,
        coerce(value, Object.hasOwn(properties, name) ? typeOf(properties[name]) : undefined),
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
