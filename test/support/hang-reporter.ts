/**
 * Ends a run in which a test file hangs, and names the file and the test.
 *
 * Vitest's own timeouts are timers in the worker: a worker that is blocked by a synchronous call (`execFileSync`
 * without a timeout, an endless loop) never runs them, and the run would wait for it until the CI ends it.
 */
import type { Reporter, TestCase, TestModule } from 'vitest/node';

/** The longest test may take 400 s (test/events/chaos.chaos.test.ts). */
const limitMs = 600_000;
const lookEveryMs = 10_000;

interface RunningFile {
  since: number;
  test: string;
}

export default class HangReporter implements Reporter {
  readonly #running = new Map<string, RunningFile>();
  #timer: NodeJS.Timeout | null = null;

  onTestRunStart(): void {
    this.#timer = setInterval(() => this.#look(), lookEveryMs);
  }

  onTestModuleQueued(module: TestModule): void {
    this.#running.set(module.relativeModuleId, {
      since: Date.now(),
      test: 'before its first test',
    });
  }

  onTestCaseReady(test: TestCase): void {
    const file = this.#running.get(test.module.relativeModuleId);
    if (file === undefined) return;
    file.since = Date.now();
    file.test = test.fullName;
  }

  onTestModuleEnd(module: TestModule): void {
    this.#running.delete(module.relativeModuleId);
  }

  onTestRunEnd(): void {
    clearInterval(this.#timer ?? undefined);
  }

  #look(): void {
    const stuck = [...this.#running].filter(([, { since }]) => Date.now() - since >= limitMs);
    for (const [path, { test }] of stuck) {
      console.error(
        `${path} hangs, or its worker is gone: ${test} (no other test of it began for ${limitMs / 60_000} min)`,
      );
    }
    // The other processes of the run are ended with its process group (test/check.ts).
    if (stuck.length > 0) process.exit(1);
  }
}
