/**
 * Loaded before a program (`node --import`): its wall clock goes wrong by as many milliseconds as the file in
 * CHAOS_CLOCK_FILE says. Timers go on as they are, as on a machine whose clock somebody has set: the monotonic
 * clock does not jump. The program itself knows nothing of it.
 */
import { readFileSync } from 'node:fs';

/** Soon after the file was written, and cheap beside everything else that the program does. */
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
