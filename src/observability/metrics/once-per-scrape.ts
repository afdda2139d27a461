import type { MaybePromise } from '#shared/maybe-promise';

/** All gauges of one scrape share a read. Null: the database cannot be read, and these gauges have no value. */
export function oncePerScrape<Value>(read: () => MaybePromise<Value>): () => Promise<Value | null> {
  let running: Promise<Value | null> | null = null;
  const readNow = async (): Promise<Value | null> => {
    try {
      return await read();
    } catch {
      return null;
    } finally {
      running = null;
    }
  };
  return () => (running ??= readNow());
}
