/** The table of docs/tools.md, from the declarations of the tools. */
import { jsonSchemaOf } from '#tools/param-schemas';
import type { ToolDeclaration } from '#tools/tool-declaration';
import { tableOf } from './made-part.ts';

/** `title` `time?`: a question mark after a parameter that may be left out. */
function paramsText(operation: ToolDeclaration['operations'][string]): string {
  const { properties, required } = jsonSchemaOf(operation.schema);
  const names = Object.keys(properties).map(
    (name) => `\`${name}${required.includes(name) ? '' : '?'}\``,
  );
  return names.join(' ') || '–';
}

export const toolTable = (tools: readonly ToolDeclaration[]): string =>
  tableOf(
    ['tool', 'operation', 'effect', 'parameters', 'description'],
    tools.flatMap(({ name, operations }) =>
      Object.entries(operations).map(([operation, declared]) => [
        `\`${name}\``,
        `\`${operation}\``,
        declared.effect,
        paramsText(declared),
        declared.description,
      ]),
    ),
  );
