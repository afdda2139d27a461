/** A counter whose total is read at each scrape; null: it has none now. */
import { Counter, type Registry } from 'prom-client';

export function addReadCounter(
  registry: Registry,
  name: string,
  help: string,
  total: () => number | null,
): void {
  registry.registerMetric(
    new Counter({
      name,
      help,
      registers: [],
      collect() {
        this.reset();
        const read = total();
        if (read === null) this.remove();
        else this.inc(read);
      },
    }),
  );
}
