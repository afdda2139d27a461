/** The digest of a schedule: calendar, unread mail and open drafts in one message, on today's clock, with a real mail server. */
import { afterEach, describe, expect, test } from 'vitest';
import type { JobPage } from '#shared/wire/job-service';
import { openCore, type CoreFixture } from '#test/support/core';
import { dovecotMissing, startDovecot } from '#test/support/dovecot';
import { freePort } from '#test/support/free-port';
import { until } from '#test/support/journal';

let open: CoreFixture | null = null;
afterEach(async () => {
  await open?.close();
  open = null;
});

const mailbox = (port: number) => ({
  provider: 'imap',
  host: '127.0.0.1',
  port,
  secure: false,
  username: 'minji',
  password: 'right-password',
});

async function digest(text: string, tools: Record<string, unknown> = {}): Promise<string> {
  open = await openCore({ tools });
  const today = new Date(Date.now() + 9 * 3_600_000).toISOString().slice(0, 10);
  const day = today.replaceAll('-', '');
  await open.client.importCalendar(
    [
      'BEGIN:VCALENDAR',
      'BEGIN:VEVENT',
      'UID:one',
      `DTSTART;VALUE=DATE:${day}`,
      'SUMMARY:dentist',
      'END:VEVENT',
      'END:VCALENDAR',
    ].join('\n'),
    undefined,
  );
  return run(text);
}

/** Runs a digest by hand, and returns its message. */
async function run(text: string): Promise<string> {
  const { schedules } = open!.core.schedules;
  const one = await schedules.create({
    userId: 'local',
    channel: 'terminal',
    thread: null,
    kind: 'digest',
    text,
    rule: { cron: '0 7 * * *' },
    zone: 'Asia/Seoul',
    start: null,
    end: null,
    count: null,
    createdBy: 'http',
  });
  const jobId = await schedules.runNow(one.id);
  let reply: string | null = null;
  await until(async () => {
    const page = await open!.client.request<JobPage>('GET', '/jobs?limit=100');
    reply = page.jobs.find((job) => job.job_id === jobId)?.reply ?? null;
    return reply !== null;
  });
  return reply!;
}

describe('a digest', () => {
  test('has the entries of today and the open drafts in one message, without a model', async () => {
    const reply = await digest('아침 브리핑');
    expect(reply).toMatch(
      /^아침 브리핑\n\n오늘.*일정 1건입니다\.\n- 종일 dentist\n\n검토할 문서 초안이 없습니다\.$/,
    );
    expect(open!.small.requests).toHaveLength(0);
    expect(await run('Morning digest')).toMatch(
      /^Morning digest\n\n.*1 event.*\n- all day dentist\n\nNo document draft waits for you\.$/i,
    );
  });

  test('says why a part is missing, and has the others', async () => {
    const reply = await digest('아침 브리핑', { email: mailbox(await freePort()) });
    expect(reply).toContain('dentist');
    expect(reply).toContain('메일 서버에 연결하지 못했습니다');
    expect(reply).toContain('초안이 없습니다');
  });

  test.skipIf(dovecotMissing() !== null)('has the unread mail only', async () => {
    const dovecot = await startDovecot(['INBOX']);
    try {
      const mail = (subject: string): Buffer =>
        Buffer.from(
          `From: bank@example.org\r\nTo: minji@example.org\r\nSubject: ${subject}\r\nMessage-ID: <${subject}@x>\r\n\r\nText\r\n`,
        );
      const tools = { email: mailbox(dovecot.port) };
      expect(await digest('Morning digest', tools)).toContain('no unread mail');
      dovecot.deliver('INBOX', mail('Statement'), new Date(Date.now() - 60_000));
      const reply = await run('Morning digest');
      expect(reply).toMatch(/1 unread message/);
      expect(reply).toContain('Statement');
    } finally {
      await dovecot.stop();
    }
  });
});
