import { join } from 'node:path';
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { memoryFolder } from './test/support/memory-folder.ts';

// Inherited by the workers and by every process of a test: most of their time would be the compilation of modules.
process.env['NODE_COMPILE_CACHE'] ??= join(import.meta.dirname, '.cache', 'compile');
// Thousands of commits of small databases: on a disk a run waits for minutes.
process.env['TMPDIR'] ??= memoryFolder(4 * 1024 ** 3);

const long =
  /(?:crash|chaos|storm|page|page-trouble|page-commands|commands|views|daily-use|odd-texts|chat-terminal|subscribers|peer-oracle)\.[^/]*test\.ts$/;

/** Tests of HTTP and NATS that also pass against two workers (test/support/core-in-cluster.ts), all and the quick ones. */
const throughCore = [
  'test/http/{routes,server}/*.integration.test.ts',
  'test/http/routes/*.e2e.test.ts',
  'test/http/mcp/{door,door-safety}.integration.test.ts',
  'test/app/{attachments,cancel-messages,digest,draft-path,history,job-path,late-server}.*.test.ts',
  'test/app/{agent,messaging,plain-answers,reminders-in-chat,schedule-delivery}.*.test.ts',
  'test/channels/outbox/reply-routing.*.test.ts',
  'test/observability/tracing/nats-trace.*.test.ts',
  'test/security/fuzz-http.*.test.ts',
];
const fewThroughCore = [
  'test/http/routes/{input-forms,sse-streams}.integration.test.ts',
  'test/app/{messaging,schedule-delivery}.integration.test.ts',
];

/** A fresh clone has no durations: long tests must not start last, when the other worker has nothing left to do. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean => long.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

/** `name.test.ts` is a unit test; other tests have their kind in the file name: `name.e2e.test.ts`. */
const otherKinds = ['integration', 'e2e', 'chaos'] as const;
const timeouts = { testTimeout: 30_000, hookTimeout: 60_000 };

const projectOf = (name: (typeof otherKinds)[number]): TestProjectInlineConfiguration => ({
  test: {
    name,
    include: [`test/**/*.${name}.test.ts`],
    globalSetup: ['test/support/provision.ts'],
    ...timeouts,
  },
});

export default defineConfig({
  test: {
    maxWorkers: 2,
    sequence: { sequencer: LongFirst },
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: otherKinds.map((kind) => `test/**/*.${kind}.test.ts`),
          ...timeouts,
          // The tests share a process and its modules: half the time of a run is the loading of modules.
          isolate: false,
        },
      },
      ...otherKinds.map(projectOf),
      {
        test: {
          name: 'cluster',
          include: process.env['GATEHOUSE_TEST_CLUSTER'] === 'all' ? throughCore : fewThroughCore,
          env: { GATEHOUSE_TEST_CLUSTER: '2' },
          globalSetup: ['test/support/provision.ts'],
          ...timeouts,
        },
      },
    ],
  },
});
