/**
 * OpenTelemetry's own environment variables, as far as they concern traces: what is the same in every program
 * is not invented again as keys of our file. Without one that asks for traces there are none (docs/observability.md).
 *
 * A value that is not understood is named in `warnings` and left out, as the specification wants it: a monitoring
 * setting never keeps the core from starting.
 * @see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */
import type { TracingSettings } from '../contract/trace.ts';

export interface LoadedTracing {
  /** Null: there is nothing to be done for traces. */
  settings: TracingSettings | null;
  warnings: string[];
}

type Env = Record<string, string | undefined>;

/** OpenTelemetry's defaults. */
const defaults = {
  endpoint: 'http://localhost:4318',
  timeoutMs: 10_000,
  delayMs: 5_000,
  exportTimeoutMs: 30_000,
  queueMax: 2_048,
  batchMax: 512,
} as const;

/** Reads what the environment says of traces. */
export function loadTracing(env: Env = process.env): LoadedTracing {
  const warnings: string[] = [];
  const exporter = exporterOf(env, warnings);
  if (exporter === null) return { settings: null, warnings };
  const protocol = specific(env, 'PROTOCOL') ?? 'http/json';
  if (exporter === 'otlp' && !protocol.startsWith('http/')) {
    warnings.push(`OTEL_EXPORTER_OTLP_PROTOCOL: ${protocol} is not spoken here, http/json is used`);
  }
  const url = urlOf(env, warnings);
  if (url === null) return { settings: null, warnings };
  const resource = pairs(env['OTEL_RESOURCE_ATTRIBUTES']);
  const number = (name: string, usual: number): number => positive(env, name, usual, warnings);
  const queueMax = number('OTEL_BSP_MAX_QUEUE_SIZE', defaults.queueMax);
  const batchMax = number('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', defaults.batchMax);
  return {
    settings: {
      exporter,
      url,
      headers: { ...pairs(env['OTEL_EXPORTER_OTLP_HEADERS']), ...pairs(traces(env, 'HEADERS')) },
      timeoutMs: number(
        traces(env, 'TIMEOUT') === undefined
          ? 'OTEL_EXPORTER_OTLP_TIMEOUT'
          : 'OTEL_EXPORTER_OTLP_TRACES_TIMEOUT',
        defaults.timeoutMs,
      ),
      compression: specific(env, 'COMPRESSION') === 'gzip' ? 'gzip' : 'none',
      serviceName: given(env, 'OTEL_SERVICE_NAME') ?? resource['service.name'] ?? 'gatehouse',
      resource,
      ...samplerOf(env, warnings),
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

/** An empty variable is one that is not set. */
const given = (env: Env, name: string): string | undefined => env[name]?.trim() || undefined;

const traces = (env: Env, name: string): string | undefined =>
  given(env, `OTEL_EXPORTER_OTLP_TRACES_${name}`);

const specific = (env: Env, name: string): string | undefined =>
  traces(env, name) ?? given(env, `OTEL_EXPORTER_OTLP_${name}`);

/** An endpoint alone asks for traces, as does a named exporter; nothing at all asks for none. */
function exporterOf(env: Env, warnings: string[]): TracingSettings['exporter'] | null {
  if (given(env, 'OTEL_SDK_DISABLED')?.toLowerCase() === 'true') return null;
  const named = given(env, 'OTEL_TRACES_EXPORTER');
  if (named === undefined) return specific(env, 'ENDPOINT') === undefined ? null : 'otlp';
  if (named === 'otlp' || named === 'console') return named;
  if (named !== 'none')
    warnings.push(`OTEL_TRACES_EXPORTER: ${named} is none of otlp, console, none`);
  return null;
}

function urlOf(env: Env, warnings: string[]): string | null {
  const own = traces(env, 'ENDPOINT');
  const base = given(env, 'OTEL_EXPORTER_OTLP_ENDPOINT') ?? defaults.endpoint;
  const url = own ?? `${base.replace(/\/+$/, '')}/v1/traces`;
  const protocol = URL.canParse(url) ? new URL(url).protocol : '';
  if (protocol === 'http:' || protocol === 'https:') return url;
  // Not shown: there may be a password in it.
  warnings.push('OTEL_EXPORTER_OTLP_ENDPOINT: expected http://… or https://…; there are no traces');
  return null;
}

function samplerOf(env: Env, warnings: string[]): Pick<TracingSettings, 'followsParent' | 'ratio'> {
  const name = given(env, 'OTEL_TRACES_SAMPLER') ?? 'parentbased_always_on';
  const [, parentBased, kind] =
    /^(parentbased_)?(always_on|always_off|traceidratio)$/.exec(name) ?? [];
  if (kind === undefined) {
    warnings.push(`OTEL_TRACES_SAMPLER: ${name} is not known, parentbased_always_on is used`);
    return { followsParent: true, ratio: 1 };
  }
  const followsParent = parentBased !== undefined;
  if (kind !== 'traceidratio') return { followsParent, ratio: kind === 'always_on' ? 1 : 0 };
  const ratio = Number(given(env, 'OTEL_TRACES_SAMPLER_ARG') ?? 1);
  if (ratio >= 0 && ratio <= 1) return { followsParent, ratio };
  warnings.push('OTEL_TRACES_SAMPLER_ARG: expected a number from 0 to 1, 1 is used');
  return { followsParent, ratio: 1 };
}

function positive(env: Env, name: string, usual: number, warnings: string[]): number {
  const text = given(env, name);
  if (text === undefined) return usual;
  const value = Number(text);
  if (Number.isInteger(value) && value > 0) return value;
  warnings.push(`${name}: expected a whole number above 0, ${usual} is used`);
  return usual;
}

/** `a=b,c=d`, percent-encoded, as in W3C baggage. */
function pairs(text: string | undefined): Record<string, string> {
  const found: Record<string, string> = {};
  for (const pair of (text ?? '').split(',')) {
    const [, name, value] = /^\s*([^=\s]+)\s*=\s*(.*?)\s*$/.exec(pair) ?? [];
    if (name !== undefined && value !== undefined) found[decoded(name)] = decoded(value);
  }
  return found;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
