/** A tool that succeeds or fails on request, for the tests of the registry. */
import { setTimeout as wait } from 'node:timers/promises';
import { z } from 'zod';
import { silentLog } from '#shared/log';
import { createToolRegistry, type ToolRegistry } from '#tools/registry';
import { param, queryParam } from '#tools/param-schemas';
import {
  readOperation,
  writeOperation,
  type CallContext,
  type Tool,
  type ToolAnswer,
} from '#tools/tool';

const schema = z.object({ title: param(z.string(), 'title', '제목', 'title') });
const told = (summary: string): ToolAnswer => ({ ok: true, data: null, summary });

export function demoTool(options: { hangsOnWrite?: boolean } = {}) {
  const written: string[] = [];
  const aborted: string[] = [];
  const hang = (context: CallContext, name: string): Promise<ToolAnswer> => {
    context.signal.addEventListener('abort', () => aborted.push(name));
    return new Promise(() => undefined);
  };
  const tool: Tool = {
    name: 'demo',
    operations: {
      echo: readOperation({
        description: 'says it again',
        schema: z.object({ query: queryParam('words') }),
        run: ({ query }) => Promise.resolve(told(query)),
      }),
      slow: readOperation({
        description: 'takes a moment',
        schema: z.object({}),
        run: async () => {
          await wait(5);
          return told('slow');
        },
      }),
      broken: readOperation({
        description: 'throws',
        schema: z.object({}),
        run: () => Promise.reject(new Error('a bug')),
      }),
      hang: readOperation({
        description: 'never ends',
        schema: z.object({}),
        run: (_, context) => hang(context, 'hang'),
      }),
      propose: { effect: 'drafts', description: 'makes a draft', schema, writes: 'write' },
      write: writeOperation({
        description: 'writes',
        schema,
        merge: (params, changes) => ({ ...params, ...changes }),
        propose: (params) =>
          Promise.resolve({ ok: true, params, data: params, summary: `${params.title}?` }),
        execute: (params, context) => {
          if (options.hangsOnWrite === true) return hang(context, 'write');
          written.push(`${context.key} ${params.title}`);
          return Promise.resolve(told('written'));
        },
      }),
    },
  };
  return { tool, written, aborted };
}

export function createRegistryWith(
  options: { toolTimeoutMs?: number; hangsOnWrite?: boolean } = {},
): { registry: ToolRegistry; written: string[]; aborted: string[] } {
  const { tool, written, aborted } = demoTool(options);
  const { toolTimeoutMs = 10_000 } = options;
  const registry = createToolRegistry({ tools: [tool], log: silentLog(), toolTimeoutMs });
  return { registry, written, aborted };
}
