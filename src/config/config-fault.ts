/**
 * Says what is wrong with a configuration file without repeating a secret of it: key, line, what was expected,
 * and the type of what was found. Values are repeated by the rule S1 of config-shape.ts only, and never
 * where they come from an environment variable. Names of unknown keys are repeated only where they are
 * misspellings: a missing colon or dash turns a password into a key.
 */
import { isMap, type Document, type LineCounter, type YAMLError } from 'yaml';
import type { z } from 'zod';
import { isHarmless, isMisspelling, isSchemaKey, knownKeys, type Path } from './config-shape.ts';

type Issue = z.core.$ZodIssue;

export interface ConfigSource {
  document: Document;
  lines: LineCounter;
  /** The values as they stand in the file, with `${NAME}` in place. */
  raw: unknown;
}

export const describeIssues = (issues: readonly Issue[], source: ConfigSource): string =>
  issues.map((issue) => describeIssue(issue, [], source)).join('; ');

function describeIssue(issue: Issue, base: Path, source: ConfigSource): string {
  const path = [...base, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => describeUnknown(key, path, source)).join('; ');
  }
  if (issue.code === 'invalid_union') {
    const branch = fittingBranch(issue.errors);
    if (branch !== null) {
      return branch.map((one) => describeIssue(one, path, source)).join('; ');
    }
  }
  return describeValue(path, expectation(issue), source);
}

/** `KEY: EXPECTED, found WHAT (line N)`. */
export function describeValue(path: Path, expected: string, source: ConfigSource): string {
  const { what, isType } = shown(path, source.raw);
  // Zod says the type itself: `expected string, received number`.
  const found = isType && expected.includes(', received ') ? '' : `, found ${what}`;
  return `${keyText(path, source.raw)}: ${expected}${found}${lineText(path, source)}`;
}

function expectation(issue: Issue): string {
  if (issue.code !== 'invalid_union') {
    return issue.message.replace(/^Invalid (input|option): /, '');
  }
  const options = 'options' in issue && Array.isArray(issue.options) ? issue.options : [];
  if (options.length > 0) return `expected one of ${options.map(String).join(', ')}`;
  const types = issue.errors.map((branch) => branch[0]?.message.match(/expected (\w+)/)?.[1]);
  return `expected ${types.map((type) => type ?? 'another form').join(' or ')}`;
}

/** The branch of a union whose outer type fits, so that the fault lies within; null where none fits. */
const fittingBranch = (branchIssues: readonly Issue[][]): Issue[] | null =>
  branchIssues.find((issues) =>
    issues.every((issue) => issue.path.length > 0 || issue.code !== 'invalid_type'),
  ) ?? null;

function describeUnknown(key: string, parent: Path, source: ConfigSource): string {
  const path = [...parent, key];
  if (isMisspelling(key) || isSchemaKey(key)) {
    return `${keyText(path, source.raw, true)}: there is no such key${lineText(path, source)}`;
  }
  const known = knownKeys(parent);
  const hint = known.length > 0 ? `; known here: ${known.join(', ')}` : '';
  return `${keyText(parent, source.raw)}: there is an unknown key${lineText(path, source)}; its name is not repeated here, it may be a secret${hint}`;
}

/** A free key (an entry of a mapping that people name) is shown by its place in the mapping. */
export function keyText(path: Path, raw: unknown, isLastShown = false): string {
  let text = '';
  let value = raw;
  for (const [index, part] of path.entries()) {
    const isShown = isSchemaKey(String(part)) || (isLastShown && index === path.length - 1);
    if (typeof part === 'number') text += `[${part}]`;
    else if (isShown) text += `${text === '' ? '' : '.'}${String(part)}`;
    else text += `[entry ${entriesOf(value).indexOf(String(part)) + 1}]`;
    value = childOf(value, part);
  }
  return text === '' ? 'the file' : text;
}

const entriesOf = (value: unknown): string[] =>
  typeof value === 'object' && value !== null ? Object.keys(value) : [];

const childOf = (value: unknown, part: PropertyKey): unknown =>
  typeof value === 'object' && value !== null
    ? (value as Record<PropertyKey, unknown>)[part]
    : undefined;

const shownCharsMax = 40;

/** The value itself where it may be repeated, else what type it has. */
function shown(path: Path, raw: unknown): { what: string; isType: boolean } {
  const value = path.reduce<unknown>(childOf, raw);
  if (value === undefined) return { what: 'nothing', isType: false };
  if (value === null) return { what: 'null', isType: false };
  if (typeof value === 'object') {
    return { what: Array.isArray(value) ? 'a list' : 'a mapping', isType: true };
  }
  if (typeof value === 'string' && value.includes('${')) {
    return { what: 'the text of an environment variable', isType: false };
  }
  if (!isHarmless(path)) {
    const hint = typeof value === 'string' ? 'text' : `a ${typeof value}; quote it`;
    return { what: hint, isType: typeof value === 'string' };
  }
  const json = JSON.stringify(value);
  const isLong = json.length > shownCharsMax;
  return { what: isLong ? `${json.slice(0, shownCharsMax - 3)}...` : json, isType: false };
}

function lineText(path: Path, { document, lines }: ConfigSource): string {
  const parent = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents;
  const pair = isMap(parent)
    ? parent.items.find((item) => String((item.key as { value?: unknown }).value) === path.at(-1))
    : undefined;
  const node = (pair?.key ?? document.getIn(path, true)) as { range?: [number] } | undefined;
  const [start] = node?.range ?? [];
  return start === undefined ? '' : ` (line ${lines.linePos(start).line})`;
}

const yamlFaults: Partial<Record<YAMLError['code'], string>> = {
  BAD_ALIAS: 'an alias (*name) without its anchor; text that begins with * or & must be quoted',
  BAD_DQ_ESCAPE: 'an unknown escape in double quotes; write \\\\ for one \\, or use single quotes',
  BAD_INDENT: 'the indentation does not fit',
  BAD_SCALAR_START: 'text that begins with @, ` or % must be quoted',
  BLOCK_AS_IMPLICIT_KEY: 'a second "key: " in one line; text with ": " must be quoted',
  DUPLICATE_KEY: 'a key stands twice in one mapping',
  MISSING_CHAR: 'a quote, a comma or a bracket is missing',
  MULTILINE_IMPLICIT_KEY: 'a key without its colon, or a value that goes on in the next line',
  MULTIPLE_DOCS: 'more than one document (---) in the file',
  TAB_AS_INDENT: 'a tab as indentation; use spaces',
  TAG_RESOLVE_FAILED: 'a tag (!name) that is not known; text that begins with ! must be quoted',
  UNEXPECTED_TOKEN:
    'something that does not belong here; text with special characters must be quoted',
};

/** The parser's own message quotes the file, so it is not used. */
export const describeYamlFault = (fault: YAMLError, lines: LineCounter): string => {
  const { line, col } = lines.linePos(fault.pos[0]);
  return `line ${line}, column ${col}: ${yamlFaults[fault.code] ?? `not valid YAML (${fault.code})`}`;
};
