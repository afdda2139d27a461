/** Shared by the tests of the mail tool: accounts, searches through the registry, and a proxy in front of a server. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { silentLog } from '#shared/log';
import { createEmailTool } from '#tools/email/email-tool';
import { createImapMailbox } from '#tools/email/imap-mailbox';
import type { MailAccount } from '#tools/email/mail-port';
import { createToolRegistry } from '#tools/registry';
import type { ToolContext } from '#shared/tool-context';
import { createZones } from '#shared/calendar/zoned-time';
import { dayAfter, type Moment } from '#test/support/test-moments';
import { contextOf } from '../tool-context.ts';

export interface MailData {
  count: number;
  partial?: boolean;
  looked_through?: number;
  messages: { subject: string; from: string; folder: string; date: string; preview?: string }[];
}

/** Calls the tool as the core does, through the registry. */
export async function search(
  accounts: MailAccount[],
  params: Record<string, unknown>,
  context: Partial<ToolContext> = {},
  toolTimeoutMs = 10_000,
) {
  const log = silentLog();
  const mailboxes = accounts.map(createImapMailbox);
  const tool = createEmailTool({ mailboxes, zones: createZones(), log });
  const registry = createToolRegistry({ tools: [tool], log, toolTimeoutMs });
  const calls = [{ tool: 'email', operation: 'search', params }];
  const [result] = (await registry.run(calls, contextOf(context))).results;
  if (result === undefined) throw new Error('no result');
  const data = (result.data ?? { count: 0, messages: [] }) as MailData;
  return { ...result, data, subjects: data.messages.map((message) => message.subject) };
}

export const account = (changes: Partial<MailAccount>): MailAccount => ({
  name: '개인',
  host: '127.0.0.1',
  port: 1,
  secure: false,
  username: 'minji',
  password: 'right-password',
  ...changes,
});

/** The context of a question at a moment. */
export const askedAt = ({ now, timeZone }: Moment): Partial<ToolContext> => ({
  now: new Date(now).toISOString(),
  timeZone,
});

/** The instant at which the clocks of the moment's zone show `time` (`HH:MM`), `days` days before its day. */
export function daysBefore({ today, timeZone }: Moment, days: number, time: string): Date {
  const wall = Date.parse(`${dayAfter(today, -days)}T${time}:00Z`);
  return new Date(createZones().toInstant(wall, timeZone));
}

/** A day as the Korean answers write it, `11월 18일(수)`. */
export function spokenDay(day: string, today: string): string {
  const [year, month, date] = day.split('-').map(Number);
  const weekday = '일월화수목금토'[new Date(`${day}T00:00:00Z`).getUTCDay()];
  const inYear = day.slice(0, 4) === today.slice(0, 4) ? '' : `${year}년 `;
  return `${inYear}${month}월 ${date}일(${weekday})`;
}

export interface ImapProxy {
  port: number;
  /** The commands of the clients, one per line. */
  seen: string[];
  close(): Promise<void>;
}

/**
 * A proxy in front of an IMAP server that changes its behaviour. `answer` is called for each command of a client: a
 * returned text is sent instead of the server's answer (after the command's tag), null passes the command on. `edit`
 * may change what the server sends; it gets whole chunks as Latin-1.
 */
export async function imapProxy(
  target: number,
  answer: (command: string) => string | null,
  edit: (text: string) => string = (text) => text,
): Promise<ImapProxy> {
  const sockets = new Set<Socket>();
  const seen: string[] = [];
  const server = createServer((client) => {
    const behind = connect(target, '127.0.0.1');
    sockets.add(client).add(behind);
    for (const socket of [client, behind]) socket.on('error', () => undefined);
    behind.on('data', (data: Buffer) => {
      client.write(Buffer.from(edit(data.toString('latin1')), 'latin1'));
    });
    behind.on('close', () => client.destroy());
    client.on('data', (data: Buffer) => {
      for (const line of data.toString('latin1').split(/(?<=\r\n)/)) {
        seen.push(line);
        const [tag = '', ...rest] = line.split(' ');
        const instead = answer(rest.join(' '));
        if (instead === null) behind.write(Buffer.from(line, 'latin1'));
        else client.write(`${tag} ${instead}\r\n`);
      }
    });
    client.on('close', () => behind.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    seen,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
