/** Prometheus gauges of the current state, read at each scrape: jobs, documents, the database's files. */
import { Gauge, type Registry } from 'prom-client';
import type { JournalStats } from '#jobs/runtime/journal';
import type { MaybePromise } from '#shared/maybe-promise';
import type { Counts } from '#storage/count-store';
import type { DatabaseSizes, ServerState } from '#storage/maintenance';
import { oncePerScrape } from './once-per-scrape.ts';
import { addReadGauge } from './read-gauge.ts';

export interface StateSources {
  journal: () => JournalStats;
  counts: () => MaybePromise<Counts>;
  sizes: () => MaybePromise<DatabaseSizes>;
}

export function addStateGauges(registry: Registry, sources: StateSources): void {
  const { journal } = sources;
  const counts = oncePerScrape(sources.counts);
  const gauge = addReadGauge.bind(null, registry);
  gauge('gatehouse_jobs_queued', 'Jobs that wait for their turn', () => journal().queued);
  gauge('gatehouse_jobs_running', 'Jobs that run', () => journal().running);
  gauge('gatehouse_jobs_loaded', 'Jobs in memory', () => journal().loaded);
  gauge(
    'gatehouse_jobs_parked',
    'Jobs that wait for a person',
    async () => (await counts())?.parked ?? null,
  );
  gauge('gatehouse_storage_up', '1 while the last commit worked', () =>
    journal().isStorageUp ? 1 : 0,
  );
  addDatabaseGauges(registry, sources.sizes);
  gauge(
    'gatehouse_documents',
    'Documents that can be found',
    async () => (await counts())?.documents ?? null,
  );
  registry.registerMetric(
    new Gauge({
      name: 'gatehouse_drafts',
      help: 'Documents that want a draft, by how far that is',
      labelNames: ['state'],
      registers: [],
      async collect() {
        const read = await counts();
        this.reset();
        if (read === null) return;
        for (const [state, value] of Object.entries(read.drafts)) this.set({ state }, value);
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

function addDatabaseGauges(registry: Registry, sizes: StateSources['sizes']): void {
  const read = oncePerScrape(sizes);
  const ofDatabase = (name: string, help: string, key: keyof Omit<DatabaseSizes, 'server'>) =>
    addReadGauge(registry, name, help, async () => (await read())?.[key] ?? null);
  const ofServer = (name: string, help: string, key: keyof ServerState) =>
    addReadGauge(registry, name, help, async () => (await read())?.server?.[key] ?? null);
  ofDatabase('gatehouse_database_bytes', 'Size of the database', 'fileBytes');
  ofDatabase('gatehouse_database_free_bytes', 'Of the file, what is not in use', 'freeBytes');
  ofDatabase('gatehouse_database_log_bytes', 'Size of the write-ahead log of the file', 'logBytes');
  ofServer('gatehouse_database_dead_rows', 'Removed rows that are not reclaimed', 'deadRows');
  ofServer('gatehouse_database_connections', 'Connections to the database', 'connections');
  ofServer('gatehouse_database_replicas', 'Replicas that are connected', 'replicas');
  ofServer(
    'gatehouse_database_replica_lag_bytes',
    'Log that the slowest replica has not applied',
    'replicaLagBytes',
  );
  ofServer('gatehouse_events_unordered', 'Committed events without a position', 'unordered');
}
