/**
 * The part of a server's JSON schema that a model is shown. Servers write `$ref`, `allOf`, `nullable` unions and rules
 * that a model server cannot turn into a grammar, and texts of any length: what is not known here is left out. The
 * server's own schema still decides about the input of a call.
 */
import { oneLine } from '#tools/sanitize-text';

type JsonSchema = Record<string, unknown>;

const depthMax = 4;
const paramsMax = 20;
const branchesMax = 6;
const descriptionChars = 160;
const enumMax = 40;
const valueChars = 80;

/** Rules of numbers that every grammar knows. */
const numberRules = ['minimum', 'maximum'] as const;

/** An object schema of the parameters, the required ones first. */
export function modelSchemaOf(inputSchema: JsonSchema): JsonSchema {
  const simple = simplify(inputSchema, inputSchema, depthMax);
  return { ...simple, type: 'object', properties: simple['properties'] ?? {} };
}

function simplify(raw: unknown, root: JsonSchema, depth: number): JsonSchema {
  const schema = resolved(raw, root);
  const { description, enum: values, items } = schema;
  const type = typeOf(schema);
  const shown: JsonSchema = {
    ...(type === undefined ? {} : { type }),
    ...(typeof description === 'string' && description !== ''
      ? { description: oneLine(description, descriptionChars) }
      : {}),
  };
  const listed = Array.isArray(values) ? values : 'const' in schema ? [schema['const']] : [];
  if (listed.length > 0 && listed.length <= enumMax && listed.every(isShortValue)) {
    shown['enum'] = listed;
  }
  for (const rule of numberRules) {
    if (typeof schema[rule] === 'number') shown[rule] = schema[rule];
  }
  if (depth === 0) return shown;
  if (type === 'array') shown['items'] = simplify(items, root, depth - 1);
  if (type === 'object') Object.assign(shown, objectParts(schema, root, depth));
  return shown;
}

function objectParts(schema: JsonSchema, root: JsonSchema, depth: number): JsonSchema {
  const properties = recordOf(schema['properties']);
  const named = Array.isArray(schema['required']) ? schema['required'] : [];
  const required = named.filter(
    (name): name is string => typeof name === 'string' && Object.hasOwn(properties, name),
  );
  const names = [...new Set([...required, ...Object.keys(properties)])];
  const kept = names.slice(0, Math.max(paramsMax, required.length));
  if (kept.length === 0) return {};
  return {
    properties: Object.fromEntries(
      kept.map((name) => [name, simplify(properties[name], root, depth - 1)]),
    ),
    ...(required.length === 0 ? {} : { required }),
  };
}

/**
 * The schema without `$ref`, `allOf` and unions: a reference within the document is followed, the parts of `allOf` are
 * put together, and of a union the first branch that is not null stands for all.
 */
function resolved(raw: unknown, root: JsonSchema, rounds = depthMax): JsonSchema {
  const schema = recordOf(raw);
  if (rounds === 0) return schema;
  const { $ref, allOf, anyOf, oneOf, ...rest } = schema;
  if (typeof $ref === 'string') {
    return { ...resolved(atPointer(root, $ref), root, rounds - 1), ...rest };
  }
  if (Array.isArray(allOf)) {
    const parts = allOf.slice(0, branchesMax).map((one) => resolved(one, root, rounds - 1));
    const properties = Object.assign(
      {},
      ...parts.map((part) => recordOf(part['properties'])),
      recordOf(rest['properties']),
    ) as JsonSchema;
    const required = [rest, ...parts].flatMap((part) =>
      Array.isArray(part['required']) ? (part['required'] as unknown[]) : [],
    );
    const whole = Object.assign({}, ...parts, rest) as JsonSchema;
    return Object.keys(properties).length === 0 ? whole : { ...whole, properties, required };
  }
  const union = Array.isArray(anyOf) ? anyOf : Array.isArray(oneOf) ? oneOf : [];
  if (union.length === 0) return schema;
  const branches = union.slice(0, branchesMax).map((one) => resolved(one, root, rounds - 1));
  const present = branches.filter(({ type }) => type !== 'null');
  const values = present.map((one) => ('const' in one ? [one['const']] : one['enum']));
  // A union of single values is how some servers write an enumeration.
  if (present.length > 1 && values.every((each) => Array.isArray(each))) {
    return { type: present[0]?.['type'], ...rest, enum: values.flat() };
  }
  const types = new Set(present.map((one) => typeOf(one)));
  // Several types: the model writes what it wants, the server's schema decides.
  return types.size > 1 ? rest : { ...present[0], ...rest };
}

/** Only pointers into the same schema: nothing is fetched. */
function atPointer(root: JsonSchema, reference: string): unknown {
  if (!reference.startsWith('#/')) return {};
  let at: unknown = root;
  for (const step of reference.slice(2).split('/')) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    const parent = recordOf(at);
    at = Object.hasOwn(parent, name) ? parent[name] : undefined;
  }
  return at;
}

const typeNames = new Set(['string', 'number', 'integer', 'boolean', 'array', 'object']);

/** The first type that is not null; without one, what the other keywords say. */
function typeOf({ type, properties, items, enum: values }: JsonSchema): string | undefined {
  const named = (Array.isArray(type) ? (type as unknown[]) : [type]).find(
    (one): one is string => typeof one === 'string' && typeNames.has(one),
  );
  if (named !== undefined) return named;
  if (properties !== undefined) return 'object';
  if (items !== undefined) return 'array';
  const isText = Array.isArray(values) && values.every((value) => typeof value === 'string');
  return isText ? 'string' : undefined;
}

const isShortValue = (value: unknown): boolean =>
  typeof value === 'string' ? value.length <= valueChars : typeof value !== 'object';

const recordOf = (value: unknown): JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonSchema) : {};
