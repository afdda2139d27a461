/**
 * Tracing settings from the standard environment variables of OpenTelemetry, which are the same in every program,
 * instead of keys of our file. Tracing is off unless a variable enables it (docs/observability.md).
 *
 * An invalid value is reported in `warnings` and ignored, as the specification requires: a monitoring setting never
 * keeps the core from starting.
 * @see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
import type { TracingSettings } from '#shared/wire/trace';

export interface LoadedTracing {
  /** Null: tracing is off. */
  settings: TracingSettings | null;
  warnings: string[];
}

type Env = Record<string, string | undefined>;

/** Defaults of the OpenTelemetry specification. */
const defaults = {
  endpoint: 'http://localhost:4318',
  timeoutMs: 10_000,
  delayMs: 5_000,
  exportTimeoutMs: 30_000,
  queueMax: 2_048,
  batchMax: 512,
} as const;

/** Reads the tracing settings from environment variables. */
export function loadTracingSettings(env: Env = process.env): LoadedTracing {
  const warnings: string[] = [];
  const exporter = parseExporter(env, warnings);
  if (exporter === null) return { settings: null, warnings };
  const protocol = otlpValue(env, 'PROTOCOL') ?? 'http/json';
  if (exporter === 'otlp' && !protocol.startsWith('http/')) {
    warnings.push(`OTEL_EXPORTER_OTLP_PROTOCOL: ${protocol} is not spoken here, http/json is used`);
  }
  const url = parseTracesUrl(env, warnings);
  if (url === null) return { settings: null, warnings };
  const resource = parsePairs(env['OTEL_RESOURCE_ATTRIBUTES']);
  const number = (name: string, usual: number): number =>
    parsePositiveInteger(env, name, usual, warnings);
  const queueMax = number('OTEL_BSP_MAX_QUEUE_SIZE', defaults.queueMax);
  const batchMax = number('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', defaults.batchMax);
  return {
    settings: {
      exporter,
      url,
      headers: {
        ...parsePairs(env['OTEL_EXPORTER_OTLP_HEADERS']),
        ...parsePairs(tracesValue(env, 'HEADERS')),
      },
      timeoutMs: number(
        tracesValue(env, 'TIMEOUT') === undefined
          ? 'OTEL_EXPORTER_OTLP_TIMEOUT'
          : 'OTEL_EXPORTER_OTLP_TRACES_TIMEOUT',
        defaults.timeoutMs,
      ),
      compression: otlpValue(env, 'COMPRESSION') === 'gzip' ? 'gzip' : 'none',
      serviceName: envValue(env, 'OTEL_SERVICE_NAME') ?? resource['service.name'] ?? 'gatehouse',
      resource,
      ...parseSampler(env, warnings),
      batch: {
        delayMs: number('OTEL_BSP_SCHEDULE_DELAY', defaults.delayMs),
        exportTimeoutMs: number('OTEL_BSP_EXPORT_TIMEOUT', defaults.exportTimeoutMs),
        queueMax,
        batchMax: Math.min(batchMax, queueMax),
      },
    },
    warnings,
  };
}

/** An empty variable counts as unset. */
const envValue = (env: Env, name: string): string | undefined => env[name]?.trim() || undefined;

const tracesValue = (env: Env, name: string): string | undefined =>
  envValue(env, `OTEL_EXPORTER_OTLP_TRACES_${name}`);

const otlpValue = (env: Env, name: string): string | undefined =>
  tracesValue(env, name) ?? envValue(env, `OTEL_EXPORTER_OTLP_${name}`);

/** An endpoint alone enables tracing, as does a named exporter; without both, tracing is off. */
function parseExporter(env: Env, warnings: string[]): TracingSettings['exporter'] | null {
  if (envValue(env, 'OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return null;
  const named = envValue(env, 'OTEL_TRACES_EXPORTER');
  if (named === undefined) return otlpValue(env, 'ENDPOINT') === undefined ? null : 'otlp';
  if (named === 'otlp' || named === 'console') return named;
  if (named !== 'none')
    warnings.push(`OTEL_TRACES_EXPORTER: ${named} is none of otlp, console, none`);
  return null;
}

function parseTracesUrl(env: Env, warnings: string[]): string | null {
  const tracesUrl = tracesValue(env, 'ENDPOINT');
  const base = envValue(env, 'OTEL_EXPORTER_OTLP_ENDPOINT') ?? defaults.endpoint;
  const url = tracesUrl ?? `${base.replace(/\/+$/, '')}/v1/traces`;
  const protocol = URL.canParse(url) ? new URL(url).protocol : '';
  if (protocol === 'http:' || protocol === 'https:') return url;
  // The URL is not quoted: it may contain a password.
  warnings.push('OTEL_EXPORTER_OTLP_ENDPOINT: expected http://… or https://…; there are no traces');
  return null;
}

function parseSampler(
  env: Env,
  warnings: string[],
): Pick<TracingSettings, 'isParentBased' | 'ratio'> {
  const name = envValue(env, 'OTEL_TRACES_SAMPLER') ?? 'parentbased_always_on';
  const [, parentBased, kind] =
    /^(parentbased_)?(always_on|always_off|traceidratio)$/.exec(name) ?? [];
  if (kind === undefined) {
    warnings.push(`OTEL_TRACES_SAMPLER: ${name} is not known, parentbased_always_on is used`);
    return { isParentBased: true, ratio: 1 };
  }
  const isParentBased = parentBased !== undefined;
  if (kind !== 'traceidratio') return { isParentBased, ratio: kind === 'always_on' ? 1 : 0 };
  const ratio = Number(envValue(env, 'OTEL_TRACES_SAMPLER_ARG') ?? 1);
  if (ratio >= 0 && ratio <= 1) return { isParentBased, ratio };
  warnings.push('OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1, 1 is used');
  return { isParentBased, ratio: 1 };
}

function parsePositiveInteger(env: Env, name: string, usual: number, warnings: string[]): number {
  const text = envValue(env, name);
  if (text === undefined) return usual;
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  warnings.push(`${name}: expected a whole number above 0, ${usual} is used`);
  return usual;
}

/** `a=b,c=d`, percent-encoded, as in W3C baggage. */
function parsePairs(text: string | undefined): Record<string, string> {
  const found: Record<string, string> = {};
  for (const pair of (text ?? '').split(',')) {
    const [, name, value] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? [];
    if (name !== undefined && value !== undefined)
      found[percentDecode(name)] = percentDecode(value);
  }
  return found;
}

function percentDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
