/**
 * Reads the configuration: finds the file, puts environment variables in, checks it. The only reader of
 * process.env.
 */
import { existsSync, readFileSync } from 'node:fs';
import { parseDocument } from 'yaml';
import type { z } from 'zod';
import { GatehouseError, messageOf } from '../lib/errors.ts';
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
  const document = parseDocument(source, { prettyErrors: true });
  const [fault] = document.errors;
  if (fault !== undefined) throw invalid(name, fault.message.split('\n')[0] ?? 'is not YAML');
  const raw = insertVariables(valueOf(document, name) ?? {}, name, env, '');
  const result = configSchema.safeParse(raw, { reportInput: true });
  if (result.success) return checkRoles(result.data, name);
  throw invalid(name, result.error.issues.map(describeIssue).join('; '));
}

/** Anchors that multiply without end, or hold themselves, are found here and not while parsing. */
function valueOf(document: ReturnType<typeof parseDocument>, name: string): unknown {
  try {
    const value = document.toJS() as unknown;
    JSON.stringify(value);
    return value;
  } catch (error) {
    const isCircle = error instanceof TypeError;
    throw invalid(name, isCircle ? 'an anchor that holds itself' : messageOf(error), error);
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
  key: string,
): unknown {
  if (typeof value === 'string') {
    return value.replaceAll(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (_, variable: string) => {
      const found = env[variable];
      if (found === undefined) {
        throw invalid(name, `${key}: the environment variable ${variable} is not set`);
      }
      return found;
    });
  }
  if (Array.isArray(value)) {
    return value.map((item, index) => insertVariables(item, name, env, `${key}[${index}]`));
  }
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([field, item]) => [
        field,
        insertVariables(item, name, env, key === '' ? field : `${key}.${field}`),
      ]),
    );
  }
  return value;
}

function checkRoles(config: Config, name: string): Config {
  const ids = config.backends.map((backend) => backend.id);
  const double = ids.find((id, index) => ids.indexOf(id) !== index);
  if (double !== undefined) throw invalid(name, `backends: the id ${double} stands twice`);
  if (ids.length === 0) return config;
  for (const [role, backend] of Object.entries(config.roles)) {
    if (backend !== undefined && !ids.includes(backend)) {
      throw invalid(name, `roles.${role}: expected one of ${ids.join(', ')}, found "${backend}"`);
    }
  }
  return config;
}

type Issue = z.core.$ZodIssue;

function describeIssue(issue: Issue): string {
  const key = issue.path
    .map((part, index) =>
      typeof part === 'number' ? `[${part}]` : `${index > 0 ? '.' : ''}${String(part)}`,
    )
    .join('');
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.map((one) => (key === '' ? one : `${key}.${one}`));
    return `${names.join(', ')}: there is no such key`;
  }
  const expected = issue.message.replace(/^Invalid (input|option): /, '');
  const found = secretKey.test(key) ? 'something else' : shown(issue.input);
  return `${key || 'the file'}: ${expected}, found ${found}`;
}

/** Keys whose values are secret, or hold a secret: an incoming webhook's address is all that is needed to post. */
const secretKey = /password|token|apiKey|incomingUrl/i;

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  const json = (JSON.stringify(value) ?? String(value)).replaceAll(/\/\/[^/\s"]*@/g, '//…@');
  return json.length > 40 ? `${json.slice(0, 37)}...` : json;
}

const invalid = (name: string, what: string, cause?: unknown): GatehouseError =>
  new GatehouseError('GH_CONFIG_INVALID', `${name}: ${what}`, { cause });
