/** Prometheus metrics of speculative requests, read from their own figures at each scrape. */
import { Counter, type Registry } from 'prom-client';
import { addReadCounter } from './read-counter.ts';
import type { SpeculationFigures } from '#shared/model/speculation';

export function addSpeculationMetrics(registry: Registry, figures: () => SpeculationFigures): void {
  registry.registerMetric(
    new Counter({
      name: 'gatehouse_speculations_total',
      help: 'Questions that were sent to the reasoner while they were classified, by how that ended',
      labelNames: ['end'],
      registers: [],
      collect() {
        this.reset();
        for (const [end, count] of Object.entries(figures().ends)) this.inc({ end }, count);
      },
    }),
  );
  const seconds = (name: string, help: string, of: (all: SpeculationFigures) => number): void =>
    addReadCounter(registry, name, help, () => of(figures()) / 1000);
  seconds(
    'gatehouse_speculation_saved_seconds_total',
    'How much earlier the adopted speculative requests began',
    ({ savedMs }) => savedMs,
  );
  seconds(
    'gatehouse_speculation_wasted_seconds_total',
    'Time of the model server for speculative requests that were not adopted',
    ({ wastedMs }) => wastedMs,
  );
}
