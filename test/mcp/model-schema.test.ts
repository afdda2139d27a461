/** The part of a schema that a model is shown: forms that real servers write. */
import { describe, expect, test } from 'vitest';
import { modelSchemaOf } from '#mcp/model-schema';

const shown = (property: object, $defs: object = {}) =>
  (
    modelSchemaOf({ type: 'object', properties: { one: property }, $defs })['properties'] as {
      one: unknown;
    }
  ).one;

describe('the schema that a model is shown', () => {
  test.each<[string, object, object]>([
    ['text', { type: 'string', title: 'One' }, { type: 'string' }],
    [
      'an optional text of pydantic',
      { anyOf: [{ type: 'string' }, { type: 'null' }] },
      { type: 'string' },
    ],
    [
      'a type beside null',
      { type: ['null', 'integer'], minimum: 1 },
      { type: 'integer', minimum: 1 },
    ],
    ['several types', { anyOf: [{ type: 'string' }, { type: 'integer' }] }, {}],
    [
      'single values',
      { oneOf: [{ const: 'a' }, { const: 'b' }] },
      { enum: ['a', 'b'], type: 'string' },
    ],
    ['one value', { const: 'a' }, { enum: ['a'] }],
    ['a reference that is not in the schema', { $ref: 'https://example.com/x.json' }, {}],
    ['a reference to nothing', { $ref: '#/$defs/nothing' }, {}],
    [
      'texts',
      { type: 'array', items: { type: 'string' } },
      { type: 'array', items: { type: 'string' } },
    ],
    ['true', Object(true) as object, {}],
    [
      'a part of each',
      {
        allOf: [
          { type: 'object', properties: { a: { type: 'string' } } },
          { properties: { b: {} }, required: ['b'] },
        ],
      },
      { type: 'object', properties: { b: {}, a: { type: 'string' } }, required: ['b'] },
    ],
  ])('of %s', (_name, property, expected) => {
    expect(shown(property)).toEqual(expected);
  });

  test('follows references, also those that lead back to themselves', () => {
    const $defs = {
      Unit: { enum: ['c', 'f'] },
      Tree: { type: 'object', properties: { child: { $ref: '#/$defs/Tree' } } },
      Loop: { $ref: '#/$defs/Loop' },
    };
    expect(shown({ $ref: '#/$defs/Unit', description: 'of heat' }, $defs)).toEqual({
      type: 'string',
      enum: ['c', 'f'],
      description: 'of heat',
    });
    expect(JSON.stringify(shown({ $ref: '#/$defs/Tree' }, $defs)).length).toBeLessThan(500);
    expect(() => shown({ $ref: '#/$defs/Loop' }, $defs)).not.toThrow();
  });

  test('has the required parameters first, and is bounded', () => {
    const properties = Object.fromEntries(
      Array.from({ length: 100 }, (_, n) => [
        `p${n}`,
        { type: 'string', description: 'x'.repeat(999) },
      ]),
    );
    const schema = modelSchemaOf({ type: 'object', properties, required: ['p99', 'gone', 7] });
    const names = Object.keys(schema['properties'] as object);
    expect(names[0]).toBe('p99');
    expect(names).toHaveLength(20);
    expect(schema['required']).toEqual(['p99']);
    expect(JSON.stringify(schema).length).toBeLessThan(5_000);
  });

  test.each([
    {},
    { type: 'object' },
    { type: 'object', properties: null },
    { properties: { a: null } },
  ])('of a tool with the input schema %j is an object', (inputSchema) => {
    expect(modelSchemaOf(inputSchema)).toMatchObject({ type: 'object', properties: {} });
  });
});
