/** Starts and stops a core with the trace settings of the environment, and prints the loaded OpenTelemetry packages. */
import { registerHooks } from 'node:module';
import { join } from 'node:path';

const loaded = new Set<string>();
registerHooks({
  load(url, context, next) {
    const [, name] = /node_modules\/@opentelemetry\/([^/]+)/.exec(url) ?? [];
    if (name !== undefined) loaded.add(name);
    return next(url, context);
  },
});

const { startCore } = await import('#app/core');
const { configSchema } = await import('#app/config/config');
const { loadTracingSettings: loadTracing } = await import('#app/config/otel-env');
const { silentLog } = await import('#shared/log');

const config = configSchema.parse({
  server: { port: 0 },
  nats: { mode: 'off' },
  database: join(process.argv[2]!, 'gatehouse.db'),
  backends: [{ id: 'm', baseUrl: 'http://127.0.0.1:9/v1', model: 'm' }],
});
const { settings: tracing } = loadTracing();
const core = await startCore({ config, log: silentLog(), tracing });
await core.stop();
console.log(JSON.stringify([...loaded].sort()));
