/** The schedules of a core on a real database with a real journal, on a clock that the test sets. */
import { createScheduleService, type ScheduleService } from '#app/schedule-service';
import type { Place } from '#schedules/delivery';
import type { NewSchedule } from '#schedules/schedules';
import { createScheduleStore } from '#schedules/store/schedule-store';
import { noFaultInjection, type FaultInjector } from '#shared/fault-points';
import { silentLog } from '#shared/log';
import { noPersons } from '#shared/persons';
import { limits } from './jobs.ts';
import { openJournal, until, type JournalFixture } from './journal.ts';

export interface ScheduleFixture extends ScheduleService {
  journal: JournalFixture;
  clock: { now(): number };
  /** Sets the clock and lets the worker settle what is due. */
  at(iso: string): Promise<void>;
  /** Where else people can be reached. */
  places: Place[];
  /** Channels that nothing takes messages of. */
  gone: Set<string>;
  /** Sets the clock and wakes the worker. */
  wake(iso: string): void;
  /** Outcome and reply of all jobs that schedules have opened, in order. */
  messages(): string[];
  /** The events of a schedule, in order. */
  events(id: string): Promise<{ type: string; state: string; jobId: unknown }[]>;
  close(): Promise<void>;
}

export async function openSchedules(
  path: string,
  now: string,
  faults: FaultInjector = noFaultInjection,
): Promise<ScheduleFixture> {
  const clock = { time: Date.parse(now), now: () => clock.time };
  const journal = await openJournal({
    path,
    clock,
    faults,
    effects: {
      admit: {
        isScheduled: true,
        run: ({ context: { scheduled } }) => ({
          ok: true,
          output: { now: '2026-12-02T09:00:00+09:00', decision: scheduled?.decision ?? null },
        }),
      },
    },
  });
  const places: Place[] = [];
  const gone = new Set<string>();
  const storage = createScheduleStore(journal.database);
  const service = createScheduleService({
    storage,
    journal: journal.journal,
    jobStorage: journal.storage,
    limits,
    persons: noPersons,
    perUserMax: 1_000,
    isConfigured: () => true,
    reach: {
      placesOf: async () => places,
      isGone: (channel) => gone.has(channel),
      titleOf: (channel) => channel,
    },
    isBusy: () => false,
    clock,
    faults,
    log: silentLog(),
  });
  await journal.journal.resume();
  service.worker.start();
  const atRest = () => until(() => service.worker.state === 'waiting');
  await atRest();
  const wake = (iso: string): void => {
    clock.time = Date.parse(iso);
    service.worker.wake();
  };
  return {
    ...service,
    journal,
    clock,
    async at(iso) {
      wake(iso);
      await atRest();
    },
    wake,
    places,
    gone,
    messages: () =>
      journal.database.connection
        .prepare<[], { input: string; reply: string | null }>(
          "select input, reply from job where input like '%scheduled%' order by num",
        )
        .all()
        .map(({ input, reply }) => {
          const { scheduled } = JSON.parse(input) as { scheduled: { outcome: string } };
          return `${scheduled.outcome}: ${reply}`;
        }),
    events: async (id) =>
      (await storage.events(id, 0, 100)).map(({ type, state, data }) => ({
        type,
        state,
        jobId: data['job_id'],
      })),
    async close() {
      await service.worker.stop();
      await journal.close();
    },
  };
}

export const reminder = (change: Partial<NewSchedule> = {}): NewSchedule => ({
  userId: 'ann',
  channel: 'synology',
  thread: 'dm',
  kind: 'reminder',
  text: '약 먹기',
  rule: { once: '2026-12-03T09:00' },
  zone: 'Asia/Seoul',
  start: null,
  end: null,
  count: null,
  createdBy: 'http',
  ...change,
});
