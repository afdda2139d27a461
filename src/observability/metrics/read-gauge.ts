/** A gauge whose value is read at each scrape. */
import { Gauge, type Registry } from 'prom-client';

export function addReadGauge(
  registry: Registry,
  name: string,
  help: string,
  value: () => number,
): void {
  registry.registerMetric(
    new Gauge({
      name,
      help,
      registers: [],
      collect() {
        this.set(value());
      },
    }),
  );
}
