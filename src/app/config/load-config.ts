/**
 * Loads the configuration: finds the file, substitutes environment variables and validates the result.
 */
import { existsSync, readFileSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import { GatehouseError, messageOf } from '#shared/errors';
import {
  describeIssues,
  describeValue,
  describeYamlError,
  formatKeyPath,
  type ConfigSource,
} from './config-error-text.ts';
import { expectedScalar, expectsList, isNullableScalar } from './config-schema-lookup.ts';
import { bridgeChannelNames } from '../channels.ts';
import { misfitsOfCluster } from './cluster-settings.ts';
import { configSchema, type Config } from './config.ts';
import { misfitsOfPersons } from './persons-settings.ts';

export interface LoadedConfig {
  config: Config;
  /** Null: there is no file, the defaults of the schema are used. */
  file: string | null;
}

const defaultFile = './gatehouse.yaml';

/** @throws GatehouseError GH_CONFIG_INVALID with the key, the expected value and what was found */
export function loadConfig(
  path: string | undefined,
  env: Record<string, string | undefined> = process.env,
): LoadedConfig {
  const requestedPath = path ?? env['GATEHOUSE_CONFIG'];
  const file = requestedPath ?? (existsSync(defaultFile) ? defaultFile : null);
  if (file === null) return { config: configSchema.parse({}), file: null };
  return { config: parseConfig(readText(file), file, env), file };
}

/** Parses and validates YAML text; `name` is for error messages. @throws GatehouseError GH_CONFIG_INVALID */
export function parseConfig(
  source: string,
  name: string,
  env: Record<string, string | undefined>,
): Config {
  const lines = new LineCounter();
  const document = parseDocument(source, { lineCounter: lines, prettyErrors: false });
  const [yamlError] = [...document.errors, ...document.warnings];
  if (yamlError !== undefined) throw invalidConfig(name, describeYamlError(yamlError, lines));
  const raw = documentValue(document, name) ?? {};
  const configSource: ConfigSource = { document, lines, raw };
  const result = configSchema.safeParse(substituteVariables(raw, name, env));
  if (!result.success) throw invalidConfig(name, describeIssues(result.error.issues, configSource));
  checkRoles(result.data, name, configSource);
  const misfits = [
    ...misfitsOfCluster(result.data),
    ...misfitsOfPersons(result.data, bridgeChannelNames),
  ].map(({ path, expected }) => describeValue(path, expected, configSource));
  if (misfits.length > 0) throw invalidConfig(name, misfits.join('; '));
  return result.data;
}

/** Alias bombs and recursive anchors are detected here, not while parsing. */
function documentValue(document: ReturnType<typeof parseDocument>, name: string): unknown {
  try {
    const value = document.toJS() as unknown;
    JSON.stringify(value);
    return value;
  } catch (error) {
    if (error instanceof TypeError) throw invalidConfig(name, 'an anchor that holds itself');
    throw invalidConfig(name, 'an alias without its anchor, or too many aliases');
  }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw invalidConfig(file, `cannot be read (${messageOf(error)})`, error);
  }
}

function substituteVariables(
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
        throw invalidConfig(
          name,
          `${formatKeyPath(path, raw)}: the environment variable ${variable} is not set`,
        );
      }
      return found;
    });
    return text === value ? value : coerceVariable(text, path);
  }
  if (Array.isArray(value)) {
    return value.map((item, index) => substituteVariables(item, name, env, [...path, index], raw));
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([field, item]) => [
        field,
        substituteVariables(item, name, env, [...path, field], raw),
      ]),
    );
  }
  return value;
}

/**
 * A variable is always text; it is converted to the type that the schema expects at the path: a number, a boolean,
 * a comma-separated list, or null if the text is empty and the value is a nullable non-secret.
 */
function coerceVariable(
  text: string,
  path: readonly PropertyKey[],
): string | number | boolean | null | string[] {
  if (text.trim() === '' && isNullableScalar(path)) return null;
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
  const duplicateIndex = ids.findIndex((id, index) => ids.indexOf(id) !== index);
  if (duplicateIndex >= 0) {
    const expected = 'expected an id of its own (it stands twice)';
    throw invalidConfig(name, describeValue(['backends', duplicateIndex, 'id'], expected, source));
  }
  if (ids.length === 0) return;
  for (const [role, backend] of Object.entries(config.roles)) {
    if (backend === undefined || ids.includes(backend)) continue;
    const expected = `expected one of ${writtenIds(source.raw).join(', ')}`;
    throw invalidConfig(name, describeValue(['roles', role], expected, source));
  }
}

/** The ids as written in the file, so that values of environment variables are not quoted. */
const writtenIds = (raw: unknown): string[] =>
  (raw as { backends: { id: unknown }[] }).backends.map((backend) => String(backend.id));

const invalidConfig = (name: string, what: string, cause?: unknown): GatehouseError =>
  new GatehouseError('GH_CONFIG_INVALID', `${name}: ${what}`, { cause });
