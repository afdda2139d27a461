/** docs/configuration.md lists every key of the schema, and every key has a description. */
import { expect, test } from 'vitest';
import { z } from 'zod';
import { configSchema } from '#app/config/config';
import { expectMade, tableOf } from './made-part.ts';

interface Schema {
  type?: string | string[];
  description?: string;
  default?: unknown;
  const?: unknown;
  enum?: unknown[];
  properties?: Record<string, Schema>;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
}

const schema = z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }) as Schema;

interface Key {
  path: string;
  schema: Schema;
}

/** The leaves, in the order of the schema. `[]` stands for an entry of a list, `(x)` for a variant. */
function keysOf(path: string, one: Schema): Key[] {
  const variants = (one.oneOf ?? one.anyOf ?? []).filter(({ properties }) => properties);
  const named = one.oneOf !== undefined;
  const own = Object.entries(one.properties ?? {}).flatMap(([name, inner]) =>
    keysOf(path === '' ? name : `${path}.${name}`, inner),
  );
  const ofVariants = variants.flatMap((variant) => {
    const provider = variant.properties?.['provider']?.const;
    const more = { ...variant, properties: { ...variant.properties } };
    if (named) delete more.properties['provider'];
    return keysOf(named ? `${path} (${String(provider)})` : path, more);
  });
  const ofItems = one.items === undefined ? [] : keysOf(`${path}[]`, one.items);
  const inner = [...own, ...ofVariants, ...(one.items?.type === 'string' ? [] : ofItems)];
  const isLeaf = own.length === 0 && !path.endsWith('[]') && !path.endsWith(')');
  return isLeaf ? [{ path, schema: one }, ...inner] : inner;
}

function typeOf(one: Schema): string {
  if (one.const !== undefined) return String(one.const);
  if (one.enum !== undefined) return one.enum.map(String).join(', ');
  if (one.oneOf !== undefined) {
    return `provider: ${one.oneOf.map((each) => String(each.properties?.['provider']?.const)).join(', ')}`;
  }
  if (one.anyOf !== undefined) return one.anyOf.map(typeOf).join(' or ');
  if (one.type === 'array') return `list of ${one.items === undefined ? 'any' : typeOf(one.items)}`;
  return [one.type ?? 'any'].flat().join(' or ');
}

const keys = keysOf('', schema);

test('every key of the configuration has a description', () => {
  expect(keys.filter(({ schema: one }) => !one.description).map(({ path }) => path)).toEqual([]);
});

test('docs/configuration.md lists every key with its type, its default and its description', () => {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const rows = keys.map(({ path, schema: one }) => [
    `\`${path}\``,
    cell(typeOf(one)),
    one.default === undefined ? '' : `\`${JSON.stringify(one.default)}\``,
    cell(one.description ?? ''),
  ]);
  expectMade('configuration.md', tableOf(['key', 'type', 'default', 'meaning'], rows));
});
