/** A gauge whose value is read at each scrape; null: it has none now. */
import { Gauge, type Registry } from 'prom-client';
import type { MaybePromise } from '#shared/maybe-promise';

export function addReadGauge(
  registry: Registry,
  name: string,
  help: string,
  value: () => MaybePromise<number | null>,
): void {
  registry.registerMetric(
    new Gauge({
      name,
      help,
      registers: [],
      async collect() {
        const read = await value();
        if (read === null) this.remove();
        else this.set(read);
      },
    }),
  );
}
