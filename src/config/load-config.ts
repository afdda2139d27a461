/**
 * Reads the configuration: finds the file, puts environment variables in, checks it. The only reader of
 * process.env.
 */
import { existsSync, readFileSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import { GatehouseError, messageOf } from '../lib/errors.ts';
import {
  describeIssues,
  describeValue,
  describeYamlFault,
  keyText,
  type ConfigSource,
} from './config-fault.ts';
import { expectedScalar, expectsList, isOptionalPlain } from './config-shape.ts';
import { configSchema, type Config } from './config.ts';

export interface LoadedConfig {
  config: Config;
  /** Null: the embedded defaults run. */
  file: string | null;
}

const defaultFile = './gatehouse.yaml';

/** @throws GH_CONFIG_INVALID naming the key, what was expected and what was found. */
export function loadConfig(
  path: string | undefined,
  env: Record<string, string | undefined> = process.env,
): LoadedConfig {
  const asked = path ?? env['GATEHOUSE_CONFIG'];
  const file = asked ?? (existsSync(defaultFile) ? defaultFile : null);
  if (file === null) return { config: configSchema.parse({}), file: null };
  return { config: parseConfig(readText(file), file, env), file };
}

/** Source text of a configuration to the checked configuration. */
export function parseConfig(
  source: string,
  name: string,
  env: Record<string, string | undefined>,
): Config {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false });
  const [fault] = [...document.errors, ...document.warnings];
  if (fault !== undefined) throw invalid(name, describeYamlFault(fault, lines));
  const raw = valueOf(document, name) ?? {};
  const parts: ConfigSource = { document, lines, raw };
  const result = configSchema.safeParse(insertVariables(raw, name, env));
  if (!result.success) throw invalid(name, describeIssues(result.error.issues, parts));
  checkRoles(result.data, name, parts);
  return result.data;
}

/** Anchors that multiply without end, or hold themselves, are found here and not while parsing. */
function valueOf(document: ReturnType<typeof parseDocument>, name: string): unknown {
  try {
    const value = document.toJS() as unknown;
    JSON.stringify(value);
    return value;
  } catch (error) {
    if (error instanceof TypeError) throw invalid(name, 'an anchor that holds itself');
    throw invalid(name, 'an alias without its anchor, or too many aliases');
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw invalid(file, `cannot be read (${messageOf(error)})`, error);
  }
}

function insertVariables(
  value: unknown,
  name: string,
  env: Record<string, string | undefined>,
  path: readonly PropertyKey[] = [],
  raw: unknown = value,
): unknown {
  if (typeof value === 'string') {
    const text = value.replaceAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, variable: string) => {
      const found = env[variable];
      if (found === undefined) {
        throw invalid(
          name,
          `${keyText(path, raw)}: the environment variable ${variable} is not set`,
        );
      }
      return found;
    });
    return text === value ? value : insertedValue(text, path);
  }
  if (Array.isArray(value)) {
    return value.map((item, index) => insertVariables(item, name, env, [...path, index], raw));
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([field, item]) => [
        field,
        insertVariables(item, name, env, [...path, field], raw),
      ]),
    );
  }
  return value;
}

/**
 * A variable is always text; it is read as what the schema expects at its place: a number, a boolean, a list with
 * commas between its parts, or, where it is empty and the value is optional and no secret, null.
 */
function insertedValue(
  text: string,
  path: readonly PropertyKey[],
): string | number | boolean | null | string[] {
  if (text.trim() === '' && isOptionalPlain(path)) return null;
  if (expectsList(path)) {
    const parts = text.split(',').map((part) => part.trim());
    return parts.filter((part) => part !== '');
  }
  const expected = expectedScalar(path);
  if (expected === 'number' && /^-?\d+(?:\.\d+)?$/.test(text.trim())) return Number(text);
  if (expected === 'boolean' && /^(?:true|false)$/i.test(text.trim())) {
    return text.trim().toLowerCase() === 'true';
  }
  return text;
}

function checkRoles(config: Config, name: string, source: ConfigSource): void {
  const ids = config.backends.map((backend) => backend.id);
  const double = ids.findIndex((id, index) => ids.indexOf(id) !== index);
  if (double >= 0) {
    const expected = 'expected an id of its own (it stands twice)';
    throw invalid(name, describeValue(['backends', double, 'id'], expected, source));
  }
  if (ids.length === 0) return;
  for (const [role, backend] of Object.entries(config.roles)) {
    if (backend === undefined || ids.includes(backend)) continue;
    const expected = `expected one of ${writtenIds(source.raw).join(', ')}`;
    throw invalid(name, describeValue(['roles', role], expected, source));
  }
}

/** The ids as they stand in the file: one that comes from a variable is not repeated. */
const writtenIds = (raw: unknown): string[] =>
  (raw as { backends: { id: unknown }[] }).backends.map((backend) => String(backend.id));

const invalid = (name: string, what: string, cause?: unknown): GatehouseError =>
  new GatehouseError('GH_CONFIG_INVALID', `${name}: ${what}`, { cause });
