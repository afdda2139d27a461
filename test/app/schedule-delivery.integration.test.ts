/** A message of a schedule that its chat refuses, over a real NATS server: it goes to the person's other conversation, and says so. */
import { expect, onTestFinished, test } from 'vitest';
import { ChannelLink } from '#events/channel-link/channel-link';
import { silentLog } from '#shared/log';
import type { Reply } from '#shared/wire/reply';
import type { ScheduleView } from '#shared/wire/schedule-service';
import { direct, openCore } from '#test/support/core';
import { until } from '#test/support/journal';
import { natsConfig } from '#test/events/messaging-fixture';
import { broker, natsCommand } from '#test/events/nats-fixture';

test.skipIf(natsCommand === null)(
  'a reminder that its conversation refuses arrives in another one, and one that no other takes is marked',
  async () => {
    const server = await broker();
    const fixture = await openCore({
      nats: { mode: 'external', url: server.url },
      synology: { incomingUrl: 'http://127.0.0.1:9/incoming' },
    });
    onTestFinished(() => fixture.close());
    const replies: Reply[] = [];
    const link: ChannelLink = new ChannelLink({
      config: natsConfig({ url: server.url }),
      channel: 'synology',
      dataFolder: '/nowhere',
      log: silentLog(),
      async onReply(reply) {
        replies.push(reply);
        const isTaken = reply.thread === undefined && !reply.text.includes('두 번째');
        const status = isTaken ? 'sent' : 'dead';
        const sent = await link.report(reply, { status, parts: isTaken ? 1 : 0 });
        return sent.ok ? 'done' : 'later';
      },
    });
    link.start();
    onTestFinished(() => link.stop());
    const post = async <Answer>(path: string, body: unknown): Promise<Answer> => {
      const response = await fetch(`${fixture.core.url}${path}`, {
        method: 'POST',
        body: JSON.stringify(body),
      });
      return (await response.json()) as Answer;
    };
    const runOf = async (text: string): Promise<string> => {
      const place = { user_id: 'ann', channel: 'synology', thread: '7' };
      const rule = { cron: '0 9 * * *' };
      const made = await post<ScheduleView>('/schedules', { text, rule, ...place });
      await post(`/schedules/${made.schedule_id}/run`, {});
      return made.schedule_id;
    };
    const events = (id: string) => fixture.core.schedules.schedules.events(id, 0, 10);

    fixture.small.script(direct('네'));
    await fixture.ask('안녕', { user_id: 'ann', channel: 'synology' });
    const id = await runOf('약 먹기');
    await until(() => replies.filter(({ text }) => text.includes('약 먹기')).length === 2);
    expect(replies.at(-1)).toMatchObject({
      channel: 'synology',
      text: '⏰ 약 먹기\n(이 알림은 Synology Chat(으)로 보낼 수 없어 여기로 보냅니다.)',
    });
    expect(replies.at(-1)!.thread).toBeUndefined();
    expect((await events(id)).at(-1)).toMatchObject({
      type: 'redirected',
      data: { from: 'synology/7', to: 'synology' },
    });

    const lost = await runOf('두 번째');
    await until(async () => (await events(lost)).at(-1)?.type === 'undelivered');
    const [view] = (await fixture.client.schedules({ user_id: 'ann' })).schedules.filter(
      ({ schedule_id }) => schedule_id === lost,
    );
    expect(view!.undelivered_at).not.toBeNull();
  },
);
