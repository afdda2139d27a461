import { join } from 'node:path';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// Inherited by the workers and by every process that a test starts: compiling modules anew is most of what many of them would do.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, '.cache', 'compile');

const long =
  /(?:crash|chaos|storm|page|page-trouble|page-commands|commands|views|daily-use|odd-texts|chat-terminal|subscribers|peer-oracle|stream-fuzz)\.test\.ts$/;

/** A fresh clone knows no durations: what takes long must not begin last, when the other worker has nothing left. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean => long.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/provision.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    sequence: { sequencer: LongFirst },
  },
});
