/**
 * The nesting limit of JSON from outside. `JSON.parse` accepts any depth, but code that reads the value afterwards
 * (`JSON.stringify`, `structuredClone`, a recursive walk) overflows the stack at some thousand levels.
 */

/** Tool schemas of chat clients nest about twenty levels. */
export const jsonDepthMax = 100;

/** Whether objects and lists are nested more than `jsonDepthMax` levels. Walks level by level, without recursion. */
export function isTooDeep(value: unknown): boolean {
  let level: object[] = isContainer(value) ? [value] : [];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth >= jsonDepthMax) return true;
    const below: object[] = [];
    for (const nest of level)
      for (const one of Object.values(nest)) if (isContainer(one)) below.push(one);
    level = below;
  }
  return false;
}

const isContainer = (value: unknown): value is object =>
  typeof value === 'object' && value !== null;
