/**
 * Loaded before a program (`node --import`): shifts its wall clock by the milliseconds in the file of
 * CHAOS_CLOCK_FILE. Timers do not change, as after a clock change on a real machine: the monotonic clock does not
 * jump. The program itself is unchanged.
 */
import { readFileSync } from 'node:fs';

/** Short enough to notice a change soon, long enough to be cheap. */
const lookEveryMs = 50;

const file = process.env['CHAOS_CLOCK_FILE'];
const SystemDate = Date;
let shiftMs = 0;

function look(path: string): void {
  try {
    shiftMs = Number(readFileSync(path, 'utf8')) || 0;
  } catch {
    shiftMs = 0;
  }
}

if (file !== undefined) {
  look(file);
  setInterval(look, lookEveryMs, file).unref();
  const now = (): number => SystemDate.now() + shiftMs;
  globalThis.Date = new Proxy(SystemDate, {
    construct: (target, given, newTarget) =>
      Reflect.construct(target, given.length === 0 ? [now()] : given, newTarget) as object,
    apply: () => new SystemDate(now()).toString(),
    get: (target, name) => (name === 'now' ? now : (Reflect.get(target, name) as unknown)),
  });
}
