/** Prometheus gauges of the current state, read at each scrape: jobs, documents, the database's files. */
import { Gauge, type Registry } from 'prom-client';
import type { JournalStats } from '#jobs/runtime/journal';
import type { Counts } from '#storage/count-store';
import type { DatabaseSizes } from '#storage/maintenance';
import { addReadGauge } from './read-gauge.ts';

export function addStateGauges(
  registry: Registry,
  sources: { journal: () => JournalStats; counts: () => Counts; sizes: () => DatabaseSizes },
): void {
  const { journal, counts, sizes } = sources;
  const gauge = addReadGauge.bind(null, registry);
  gauge('gatehouse_jobs_queued', 'Jobs that wait for their turn', () => journal().queued);
  gauge('gatehouse_jobs_running', 'Jobs that run', () => journal().running);
  gauge('gatehouse_jobs_loaded', 'Jobs in memory', () => journal().loaded);
  gauge('gatehouse_jobs_parked', 'Jobs that wait for a person', () => counts().parked);
  gauge('gatehouse_storage_up', '1 while the last commit worked', () =>
    journal().isStorageUp ? 1 : 0,
  );
  gauge('gatehouse_database_bytes', 'Size of the database file', () => sizes().fileBytes);
  gauge(
    'gatehouse_database_free_bytes',
    'Of the database file, what is not in use',
    () => sizes().freeBytes,
  );
  gauge('gatehouse_database_log_bytes', 'Size of the write-ahead log', () => sizes().logBytes);
  gauge('gatehouse_documents', 'Documents that can be found', () => counts().documents);
  registry.registerMetric(
    new Gauge({
      name: 'gatehouse_drafts',
      help: 'Documents that want a draft, by how far that is',
      labelNames: ['state'],
      registers: [],
      collect() {
        for (const [state, value] of Object.entries(counts().drafts)) this.set({ state }, value);
      },
    }),
  );
  const { version } = process;
  const build = new Gauge({
    name: 'gatehouse_build_info',
    help: '1, with the version of Node',
    labelNames: ['node_version'],
    registers: [registry],
  });
  build.set({ node_version: version }, 1);
}
