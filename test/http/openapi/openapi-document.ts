/** docs/openapi.json, generated from what the routes of the server declare. */
import swagger from '@fastify/swagger';
import fastify, { type FastifySchema } from 'fastify';
import {
  createJsonSchemaTransform,
  createJsonSchemaTransformObject,
} from 'fastify-type-provider-zod';
import type { OpenAPIV3_1 } from 'openapi-types';
import { z } from 'zod';
import { ollamaErrorSchema } from '#http/ollama/ollama-shapes';
import { openAiErrorSchema } from '#http/openai/openai-shapes';
import { problemSchema } from '#http/server/problem-details';
import type { RouteView } from '#http/server/route-access';
import { errorTable, type ErrorCode } from '#shared/errors';

/** In the order of the document. */
const tags = [
  'jobs',
  'documents',
  'memos',
  'questions',
  'calendar',
  'schedules',
  'memory',
  'session',
  'status',
  'mcp',
  'inspector',
];

/** Error codes of every route. */
const everywhere: readonly ErrorCode[] = [
  'GH_REQUEST_UNAUTHORIZED',
  'GH_REQUEST_FORBIDDEN',
  'GH_REQUEST_TOO_MANY',
  'GH_STORE_UNAVAILABLE',
];
/** Error codes of every route that validates its body. */
const ofBodies: readonly ErrorCode[] = [
  'GH_REQUEST_NOT_JSON',
  'GH_REQUEST_INVALID',
  'GH_REQUEST_TOO_LARGE',
];

interface ContentResponse {
  description: string;
  content: Record<string, { schema: z.ZodType }>;
}
/** The responses of a route: a JSON body, or bodies by content type. */
export type Responses = Record<string, z.ZodType | ContentResponse>;

const zodToJsonConfig: NonNullable<
  Parameters<typeof createJsonSchemaTransform>[0]['zodToJsonConfig']
> = {
  override: ({ jsonSchema }) => {
    // Fields may be added to every object.
    if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
  },
};

export async function documentOf(
  routes: readonly RouteView[],
  version: string,
): Promise<OpenAPIV3_1.Document> {
  const server = fastify({ exposeHeadRoutes: false });
  server.setValidatorCompiler(() => () => true);
  server.setSerializerCompiler(() => JSON.stringify);
  const addComponents = createJsonSchemaTransformObject({ zodToJsonConfig });
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Gatehouse',
        version,
        summary: 'Messages to assistants on your own machines',
        description: 'Fields are added, never renamed: ignore what you do not know.',
        license: { name: 'MIT', identifier: 'MIT' },
      } as never,
      servers: [{ url: 'http://127.0.0.1:8100' }],
      security: [{ key: [] }, {}],
      tags: tags.map((name) => ({ name })),
      components: {
        securitySchemes: {
          key: { type: 'http', scheme: 'bearer', description: 'Where `server.apiKeys` is set.' },
        },
        responses: usualResponses,
      },
    },
    convertConstToEnum: false,
    transform: createJsonSchemaTransform({ zodToJsonConfig }),
    transformObject: (made) => addComponents(made) as never,
  });
  for (const route of routes) {
    server.route({
      method: route.method,
      url: route.path,
      schema: schemaOf(route),
      handler: () => undefined,
    });
  }
  await server.ready();
  const made = JSON.parse(JSON.stringify(server.swagger())) as OpenAPIV3_1.Document;
  for (const route of routes) finishOperation(operationIn(made, route), route);
  made.components!.schemas = usedSchemas(made);
  await server.close();
  return made;
}

/** `GET /chat/:id` → its operation. */
export const operationIn = (
  { paths = {} }: OpenAPIV3_1.Document,
  { method, path }: Pick<RouteView, 'method' | 'path'>,
): OpenAPIV3_1.OperationObject =>
  paths[path.replaceAll(/:(\w+)/g, '{$1}')]![method.toLowerCase() as 'get']!;

export const tagOf = ({ schema }: RouteView): number =>
  tags.indexOf((schema as { tags?: string[] }).tags?.[0] ?? '');

function schemaOf({ method, path, access, errors, schema }: RouteView): FastifySchema {
  const implied = schema.body !== undefined ? ofBodies : [];
  const ofQuery = schema.querystring !== undefined ? (['GH_REQUEST_INVALID'] as const) : [];
  const codes = [...new Set([...everywhere, ...implied, ...ofQuery, ...errors])];
  const failures = Object.groupBy(codes, (code) => String(errorTable[code].status));
  const refusals = Object.entries(failures).map(([status, of = []]) => [status, refusal(path, of)]);
  const responses = Object.entries((schema.response ?? {}) as Responses).map(([status, one]) => [
    status,
    described(status, one),
  ]);
  const operation = {
    ...schema,
    operationId: operationId(method, path),
    ...(access === 'anyone' ? { security: [] } : {}),
    'x-access': access ?? 'operator',
    response: Object.fromEntries([...refusals, ...responses]) as Responses,
  };
  return operation;
}

function described(status: string, response: Responses[string]): Responses[string] {
  if (!(response instanceof z.ZodType)) return response;
  if (response instanceof z.ZodNull) return response.describe('Done');
  return {
    description: status === '202' ? 'Accepted, and on disk' : 'Done',
    content: { 'application/json': { schema: response } },
  };
}

function refusal(path: string, codes: readonly ErrorCode[]): ContentResponse {
  const description = codes.join(', ');
  const json = (schema: z.ZodType) => ({
    description,
    content: { 'application/json': { schema } },
  });
  if (path.startsWith('/v1/')) return json(openAiErrorSchema);
  if (path.startsWith('/api/')) return json(ollamaErrorSchema);
  return { description, content: { 'application/problem+json': { schema: problemSchema } } };
}

/** The responses of `everywhere`: `Problem401`, `OpenAi401` and so on. */
const usualResponses = Object.fromEntries(
  everywhere.flatMap((code) =>
    (['Problem', 'OpenAiError'] as const).map((schema) => {
      const type = schema === 'Problem' ? 'application/problem+json' : 'application/json';
      const content = { [type]: { schema: { $ref: `#/components/schemas/${schema}` } } };
      const name = `${schema === 'Problem' ? 'Problem' : 'OpenAi'}${errorTable[code].status}`;
      return [name, { description: code, content }];
    }),
  ),
);

/** `POST /chat/:id/cancel` → `postChatIdCancel`. */
const operationId = (method: string, path: string): string => {
  const parts = path.split(/[^A-Za-z0-9]+/).filter(Boolean);
  const rest = parts.map((part) => part.charAt(0).toUpperCase() + part.slice(1));
  return method.toLowerCase() + rest.join('');
};

/** What the plug-in does not do: an optional body, and references to the usual responses. */
function finishOperation(operation: OpenAPIV3_1.OperationObject, { schema }: RouteView): void {
  const { requestBody, responses = {} } = operation;
  if (requestBody !== undefined && 'content' in requestBody) {
    requestBody.required = !(schema.body as z.ZodType).safeParse({}).success;
  }
  for (const [name, usual] of Object.entries(usualResponses)) {
    const status = name.slice(-3);
    if (JSON.stringify(responses[status]) === JSON.stringify(usual)) {
      responses[status] = { $ref: `#/components/responses/${name}` };
    }
  }
}

/** The schemas that are referred to, sorted; the plug-in adds a variant for inputs of each. */
function usedSchemas({ paths, components }: OpenAPIV3_1.Document) {
  const schemas = components!.schemas!;
  const used = new Set<string>();
  const visit = (value: unknown): void => {
    for (const [, name] of JSON.stringify(value).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (used.has(name!)) continue;
      used.add(name!);
      visit(schemas[name!]);
    }
  };
  visit([paths, components!.responses]);
  return Object.fromEntries([...used].toSorted().map((name) => [name, schemas[name]!]));
}
