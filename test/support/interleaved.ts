/** A port whose calls wait for the scheduler before and after they run: other callers can run at every await. */
import type fc from 'fast-check';

export function interleaved<Port extends object>(scheduler: fc.Scheduler, port: Port): Port {
  return new Proxy(port, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name);
      if (typeof value !== 'function') return value;
      return async (...args: unknown[]): Promise<unknown> => {
        await scheduler.schedule(Promise.resolve(), `before ${String(name)}`);
        const result: unknown = await Reflect.apply(value, target, args);
        await scheduler.schedule(Promise.resolve(), `after ${String(name)}`);
        return result;
      };
    },
  });
}
