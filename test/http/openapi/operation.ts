/**
 * The description of one route, and the OpenAPI document made from all descriptions. Requests use the schemas that
 * the server validates with; answers use strict schemas that the test checks real answers against.
 */
import { z } from 'zod';
import { errorTable, type ErrorCode } from '#shared/errors';

export interface Operation {
  /** Method and path as the server declares them: `POST /chat/:id/cancel`. */
  route: `${Uppercase<string>} /${string}`;
  summary: string;
  query?: z.ZodType;
  body?: z.ZodType;
  /** Request headers that the route reads: name → effect. */
  headers?: Record<string, string>;
  status: number;
  /** Undefined: no body. A string: a content type other than JSON. */
  answer?: z.ZodType | `${string}/${string}`;
  /** Other content types of the answer: type → condition. */
  also?: Record<string, string>;
  /** Error codes of this route, in addition to those of every route. */
  errors?: readonly ErrorCode[];
  /** Errors have the format of OpenAI. */
  isOpenAi?: boolean;
  /** The request that the test sends, in the order of the list; `not`: why there is none. */
  example: ((scene: Scene) => Example | Promise<Example>) | { not: string };
}

export interface Example {
  /** Path parameters. */
  path?: Record<string, string>;
  query?: Record<string, string>;
  body?: unknown;
}

/** Data that the test has prepared for the examples. */
export interface Scene {
  url: string;
  /** A job that has ended. */
  jobId: string;
  /** Creates a job whose draft waits for a person. */
  waitingJob(): Promise<string>;
  runningJob(): Promise<string>;
  documentId: string;
  memoId: string;
  /** Creates a document with a finished draft. */
  draftedDocument(): Promise<string>;
  /** Path of a text file. */
  file: string;
}

type Json = Record<string, unknown>;

/** Error codes of every route. */
const everywhere: readonly ErrorCode[] = [
  'GH_REQUEST_UNAUTHORIZED',
  'GH_REQUEST_FORBIDDEN',
  'GH_REQUEST_TOO_MANY',
  'GH_STORE_UNAVAILABLE',
];

export const problem = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string(),
    error_reason: z.string().optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457. `code` is one of docs/errors.md.' });

const openAiProblem = z
  .looseObject({
    error: z.looseObject({
      message: z.string(),
      type: z.string(),
      param: z.null(),
      code: z.string(),
      error_reason: z.string().optional(),
    }),
  })
  .meta({ id: 'OpenAiError' });

/** The whole OpenAPI document. `access` returns the access of a route as the server declares it. */
export function documentOf(
  tags: Record<string, readonly Operation[]>,
  version: string,
  access: (route: string) => string | null,
): Json {
  const schemas: Json = {};
  const paths: Record<string, Json> = {};
  for (const [tag, operations] of Object.entries(tags)) {
    for (const operation of operations) {
      const [method = '', path = ''] = operation.route.split(' ');
      const item = (paths[path.replaceAll(/:(\w+)/g, '{$1}')] ??= {});
      item[method.toLowerCase()] = operationOf(operation, tag, access(operation.route), schemas);
    }
  }
  const responses = Object.fromEntries(
    everywhere.flatMap((code) =>
      [false, true].map((isOpenAi) => [
        `${isOpenAi ? 'OpenAi' : 'Problem'}${errorTable[code].status}`,
        refusal([code], isOpenAi, schemas),
      ]),
    ),
  );
  const sorted = Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)));
  return {
    openapi: '3.1.0',
    info: {
      title: 'Gatehouse',
      version,
      summary: 'Messages to assistants on your own machines',
      description: 'Fields are added, never renamed: ignore what you do not know.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: 'http://127.0.0.1:8100' }],
    security: [{ key: [] }, {}],
    tags: Object.keys(tags).map((name) => ({ name })),
    paths,
    components: {
      securitySchemes: {
        key: { type: 'http', scheme: 'bearer', description: 'Where `server.apiKeys` is set.' },
      },
      responses,
      schemas: sorted,
    },
  };
}

function operationOf(
  operation: Operation,
  tag: string,
  access: string | null,
  schemas: Json,
): Json {
  const { route, summary, query, body, headers = {}, status, errors = [] } = operation;
  const names = [...route.matchAll(/:(\w+)/g)].map(([, name]) => name!);
  const parameters = [
    ...names.map((name) => ({ name, in: 'path', required: true, schema: { type: 'string' } })),
    ...queryParameters(query, schemas),
    ...Object.entries(headers).map(([name, description]) => ({
      name,
      in: 'header',
      description,
      schema: { type: 'string' },
    })),
  ];
  const failures = Object.groupBy(
    errors.filter((code) => !everywhere.includes(code)),
    (code) => String(errorTable[code].status),
  );
  const usual = operation.isOpenAi ? 'OpenAi' : 'Problem';
  return {
    tags: [tag],
    operationId: operationId(route),
    summary,
    ...(access === 'anyone' ? { security: [] } : {}),
    'x-access': access ?? 'operator',
    ...(parameters.length === 0 ? {} : { parameters }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: !body.safeParse(undefined).success,
            content: { 'application/json': { schema: schemaOf(body, 'input', schemas) } },
          },
        }),
    responses: {
      [status]: success(operation, schemas),
      ...Object.fromEntries(
        everywhere.map((code) => [
          errorTable[code].status,
          { $ref: `#/components/responses/${usual}${errorTable[code].status}` },
        ]),
      ),
      ...Object.fromEntries(
        Object.entries(failures).map(([code, codes = []]) => [
          code,
          refusal(everywhereAt(Number(code)).concat(codes), operation.isOpenAi === true, schemas),
        ]),
      ),
    },
  };
}

const everywhereAt = (status: number): ErrorCode[] =>
  everywhere.filter((code) => errorTable[code].status === status);

function refusal(codes: readonly ErrorCode[], isOpenAi: boolean, schemas: Json): Json {
  const type = isOpenAi ? 'application/json' : 'application/problem+json';
  const schema = schemaOf(isOpenAi ? openAiProblem : problem, 'output', schemas);
  return { description: codes.join(', '), content: { [type]: { schema } } };
}

/** `POST /chat/:id/cancel` → `postChatIdCancel`. */
const operationId = (route: string): string => {
  const [method = '', ...parts] = route.split(/[^A-Za-z0-9]+/).filter(Boolean);
  const rest = parts.map((part) => part.charAt(0).toUpperCase() + part.slice(1));
  return method.toLowerCase() + rest.join('');
};

function success({ status, answer, also = {} }: Operation, schemas: Json): Json {
  const content: Json = {};
  if (typeof answer === 'string') content[answer] = { schema: { type: 'string' } };
  else if (answer !== undefined) {
    content['application/json'] = { schema: schemaOf(answer, 'output', schemas) };
  }
  for (const type of Object.keys(also)) content[type] = { schema: { type: 'string' } };
  const notes = Object.entries(also).map(([type, when]) => `${type}: ${when}`);
  return {
    description: [status === 202 ? 'Accepted, and on disk' : 'Done', ...notes].join('. '),
    ...(Object.keys(content).length === 0 ? {} : { content }),
  };
}

function queryParameters(query: z.ZodType | undefined, schemas: Json): Json[] {
  if (query === undefined) return [];
  const { properties = {}, required = [] } = schemaOf(query, 'input', schemas) as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([name, schema]) => ({
    name,
    in: 'query',
    ...(required.includes(name) ? { required: true } : {}),
    // A coerced value has an empty input schema; all of them are numbers.
    schema: Object.keys(schema).length === 0 ? { type: 'integer' } : schema,
  }));
}

/** The JSON schema. Parts with an id are moved to the components. Unknown fields are allowed. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output', schemas: Json): Json {
  const made = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      if (jsonSchema.additionalProperties === false) delete jsonSchema.additionalProperties;
    },
  }) as Json;
  const text = JSON.stringify(made).replaceAll('"#/$defs/', '"#/components/schemas/');
  const { $defs = {}, $schema: _, ...own } = JSON.parse(text) as Json & { $defs?: Json };
  for (const [name, part] of Object.entries($defs)) schemas[name] = withoutId(part as Json);
  if (typeof own['id'] !== 'string') return own;
  schemas[own['id']] = withoutId(own);
  return { $ref: `#/components/schemas/${own['id']}` };
}

const withoutId = (schema: Json): Json =>
  Object.fromEntries(Object.entries(schema).filter(([name]) => name !== 'id'));
