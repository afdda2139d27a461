/**
 * Describes errors of the configuration file without leaking secrets: key, line, expected value, and the type of
 * the value found. Values are quoted only where rule S1 of config-schema-lookup.ts allows it, and never if they
 * come from an environment variable. Names of unknown keys are quoted only if they are misspellings: a missing
 * colon or dash turns a password into a key.
 */
import { isMap, type Document, type LineCounter, type YAMLError } from 'yaml';
import type { z } from 'zod';
import {
  isSafeToQuote,
  isMisspelling,
  isSchemaKey,
  knownKeys,
  type Path,
} from './config-schema-lookup.ts';

type Issue = z.core.$ZodIssue;

export interface ConfigSource {
  document: Document;
  lines: LineCounter;
  /** The values as written in the file, before `${NAME}` is substituted. */
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
    const branch = matchingBranch(issue.errors);
    if (branch !== null) {
      return branch.map((one) => describeIssue(one, path, source)).join('; ');
    }
  }
  return describeValue(path, expectation(issue), source);
}

/** `KEY: EXPECTED, found WHAT (line N)`. */
export function describeValue(path: Path, expected: string, source: ConfigSource): string {
  const { what, isType } = describeFound(path, source.raw);
  // Zod's message already names the type: `expected string, received number`.
  const found = isType && expected.includes(', received ') ? '' : `, found ${what}`;
  return `${formatKeyPath(path, source.raw)}: ${expected}${found}${formatLineNumber(path, source)}`;
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

/** The union branch whose outer type matches, so that the error is inside it; null if no branch matches. */
const matchingBranch = (branchIssues: readonly Issue[][]): Issue[] | null =>
  branchIssues.find((issues) =>
    issues.every((issue) => issue.path.length > 0 || issue.code !== 'invalid_type'),
  ) ?? null;

function describeUnknown(key: string, parent: Path, source: ConfigSource): string {
  const path = [...parent, key];
  if (isMisspelling(key) || isSchemaKey(key)) {
    return `${formatKeyPath(path, source.raw, true)}: there is no such key${formatLineNumber(path, source)}`;
  }
  const known = knownKeys(parent);
  const hint = known.length > 0 ? `; known here: ${known.join(', ')}` : '';
  return `${formatKeyPath(parent, source.raw)}: there is an unknown key${formatLineNumber(path, source)}; its name is not repeated here, it may be a secret${hint}`;
}

/** A key that the user chooses (an entry of a record) is shown by its position in the mapping. */
export function formatKeyPath(path: Path, raw: unknown, isLastShown = false): string {
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

/** The value itself where it may be quoted (S1), else its type. */
function describeFound(path: Path, raw: unknown): { what: string; isType: boolean } {
  const value = path.reduce<unknown>(childOf, raw);
  if (value === undefined) return { what: 'nothing', isType: false };
  if (value === null) return { what: 'null', isType: false };
  if (typeof value === 'object') {
    return { what: Array.isArray(value) ? 'a list' : 'a mapping', isType: true };
  }
  if (typeof value === 'string' && value.includes('${')) {
    return { what: 'the text of an environment variable', isType: false };
  }
  if (!isSafeToQuote(path)) {
    const hint = typeof value === 'string' ? 'text' : `a ${typeof value}; quote it`;
    return { what: hint, isType: typeof value === 'string' };
  }
  const json = JSON.stringify(value);
  const isLong = json.length > shownCharsMax;
  return { what: isLong ? `${json.slice(0, shownCharsMax - 3)}...` : json, isType: false };
}

function formatLineNumber(path: Path, { document, lines }: ConfigSource): string {
  const parent = path.length > 1 ? document.getIn(path.slice(0, -1), true) : document.contents;
  const pair = isMap(parent)
    ? parent.items.find((item) => String((item.key as { value?: unknown }).value) === path.at(-1))
    : undefined;
  const node = (pair?.key ?? document.getIn(path, true)) as { range?: [number] } | undefined;
  const [start] = node?.range ?? [];
  return start === undefined ? '' : ` (line ${lines.linePos(start).line})`;
}

const yamlErrorTexts: Partial<Record<YAMLError['code'], string>> = {
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

/** The parser's own message is not used, because it quotes the file. */
export const describeYamlError = (error: YAMLError, lines: LineCounter): string => {
  const { line, col } = lines.linePos(error.pos[0]);
  return `line ${line}, column ${col}: ${yamlErrorTexts[error.code] ?? `not valid YAML (${error.code})`}`;
};
