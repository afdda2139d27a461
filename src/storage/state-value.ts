/** Of a state value: a string or nested objects, as XState has it. */
export const topLevelState = (value: unknown): string =>
  typeof value === 'string' ? value : (Object.keys(value as object)[0] ?? '');
