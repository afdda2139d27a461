/**
 * A client that makes schedules for the people of the chat: reminders of some seconds ahead, reminders of every minute, and
 * prompts. It pauses, resumes and runs some of them, and cancels those that would go on.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isoTime } from '#shared/calendar/time-units';
import type { RunsView, ScheduleView } from '#shared/wire/schedule-service';
import type { ClientOptions } from './clients.ts';
import type { CoreApiClient } from './core-api-client.ts';
import { markOf, requestPhrases } from './marks.ts';
import type { MadeSchedule, ScheduleSeen } from './observations.ts';

/** A wall time in UTC. */
const wallOf = (at: number): string => isoTime(at).slice(0, 19);

export async function runScheduleClient(
  { ledger, random, pauseMs, isOver }: ClientOptions,
  api: CoreApiClient,
  userIds: readonly number[],
): Promise<void> {
  let n = 0;
  const made = ledger.schedules;
  const make = async (body: object, words: string, repeats: boolean): Promise<void> => {
    n += 1;
    const text = `${words} ${markOf('s1', n)}`;
    const answer = await api.callUntilAnswered('POST', '/schedules', {
      ...body,
      text,
      zone: 'UTC',
      idempotency_key: `schedule-${n}`,
    });
    // A clock that was set ahead says that its time is over.
    if (answer.status !== 201) return;
    const begun = { acceptedAt: Date.now(), endedAt: null, wasPaused: false };
    made.push({ id: answer.body.id as string, text, repeats, ...begun, startedByHand: [] });
  };
  const person = (): object => ({
    user_id: String(userIds[Math.floor(random() * userIds.length)]),
    channel: 'synology',
  });
  const soon = (): string => wallOf(Date.now() + 1_000 + random() * 4_000);
  const repeating = (): MadeSchedule | undefined => {
    const all = made.filter(({ repeats }) => repeats);
    return all[Math.floor(random() * all.length)];
  };
  const acts: readonly (() => Promise<void>)[] = [
    () => make({ ...person(), cron: '* * * * *' }, '물 마시기', true),
    () => make({ ...person(), at: soon() }, '약 먹기', false),
    () => make({ at: soon(), kind: 'prompt', user_id: 's1' }, requestPhrases.plain, false),
    async () => {
      const one = repeating();
      if (one === undefined) return;
      const answer = await api.call('POST', `/schedules/${one.id}/run`, {});
      if (answer?.status === 202) one.startedByHand.push(answer.body.job_id as string);
    },
    async () => {
      const one = repeating();
      if (one === undefined || random() < 0.7) return;
      one.wasPaused = true;
      await api.callUntilAnswered('POST', `/schedules/${one.id}/pause`, {});
      await sleep(500 * random());
      await api.callUntilAnswered('POST', `/schedules/${one.id}/resume`, {});
    },
  ];
  for (let turn = 0; turn < acts.length || !isOver(); turn += 1) {
    // Each once first; most of the others are reminders.
    const act =
      turn < acts.length ? acts[turn] : acts[random() < 0.6 ? 1 : Math.floor(random() * 5)];
    await act?.();
    await sleep(pauseMs * random());
  }
  for (const one of made.filter(({ repeats }) => repeats)) {
    await untilCaughtUp(api, one.id);
    one.endedAt = Date.now();
    await api.callUntilAnswered('DELETE', `/schedules/${one.id}`);
  }
}

/** What was due while the system was down goes out first: a schedule that is deleted before takes it along. */
async function untilCaughtUp(api: CoreApiClient, id: string): Promise<void> {
  for (;;) {
    const { body } = await api.callUntilAnswered('GET', `/schedules/${id}`);
    const { state, next_at: nextAt } = body as ScheduleView;
    if (state !== 'active' || nextAt === null || Date.parse(nextAt) > Date.now()) return;
    await sleep(200);
  }
}

export async function observeSchedules(
  api: CoreApiClient,
  made: readonly MadeSchedule[],
): Promise<ScheduleSeen[]> {
  const seen: ScheduleSeen[] = [];
  for (const one of made) {
    const { body: view } = await api.callUntilAnswered('GET', `/schedules/${one.id}`);
    const { body: page } = await api.callUntilAnswered(
      'GET',
      `/schedules/${one.id}/runs?limit=200`,
    );
    seen.push({ ...one, view: view as ScheduleView, runs: (page as RunsView).runs });
  }
  return seen;
}

/** What must fire before the system is idle; the client has cancelled what would go on. */
export async function schedulesAhead(api: CoreApiClient): Promise<string[]> {
  const page = await api.call('GET', '/schedules?state=active&limit=50');
  const ahead = (page?.body?.schedules ?? []) as ScheduleView[];
  return ahead.length === 0 ? [] : [`core: ${ahead.length} schedules have not fired`];
}
