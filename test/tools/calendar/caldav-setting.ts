/** A CalDAV calendar behind a registry, and faulty servers between it and Radicale. */
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import {
  createServer as createTcpServer,
  type AddressInfo,
  type Server,
  type Socket,
} from 'node:net';
import { noFaultInjection, type FaultInjector } from '#shared/fault-points';
import { silentLog } from '#shared/log';
import { createCaldavCalendar } from '#tools/calendar/caldav-calendar';
import { createCalendarTool } from '#tools/calendar/calendar-tool';
import { createToolRegistry, type ToolRegistry } from '#tools/registry';
import { createZones } from '#shared/calendar/zoned-time';

export interface CaldavSetting {
  url: string;
  username: string;
  password: string;
  calendar?: string;
  users?: readonly string[];
  toolTimeoutMs?: number;
  faults?: FaultInjector;
}

export function caldavRegistry(setting: CaldavSetting): ToolRegistry {
  const { url, username, password, calendar, users, toolTimeoutMs = 10_000 } = setting;
  const zones = createZones();
  const log = silentLog();
  const server = { url, username, password, calendar, users };
  const source = createCaldavCalendar({ ...server, zones, log });
  const tool = createCalendarTool({ source, zones, log });
  return createToolRegistry({
    tools: [tool],
    log,
    toolTimeoutMs,
    faults: setting.faults ?? noFaultInjection,
  });
}

export interface Between {
  /** The address of the proxy, with the path of the server behind it. */
  url: string;
  /** Methods of the received requests, in order. */
  seen: string[];
  close(): Promise<void>;
}

/** The treatment of a request: passed on, passed on with the answer dropped, dropped, or answered with this status. */
export type Treatment = 'pass' | 'drop-answer' | 'drop' | number;

/** A proxy in front of a server that treats each request as `treat` decides. */
export async function between(
  target: string,
  treat: (method: string, count: number) => Treatment,
): Promise<Between> {
  const seen: string[] = [];
  const server = createServer((incoming, outgoing) => {
    const method = incoming.method ?? '';
    seen.push(method);
    const treatment = treat(method, seen.filter((one) => one === method).length);
    if (treatment === 'drop') incoming.socket.destroy();
    else if (typeof treatment === 'number') outgoing.writeHead(treatment).end();
    else handOn(target, incoming, outgoing, treatment === 'drop-answer');
  });
  const url = await listen(server);
  return { url, seen, close: () => closed(server) };
}

function handOn(
  target: string,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  dropsAnswer: boolean,
): void {
  const { method, headers } = incoming;
  const onward = request(new URL(incoming.url ?? '/', target), { method, headers }, (answer) => {
    if (dropsAnswer) {
      // The server has handled the request; the client receives no answer.
      answer.resume().on('end', () => incoming.socket.destroy());
      return;
    }
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
  });
  incoming.pipe(onward);
}

/** A server that accepts connections and never answers. */
export async function silentServer(): Promise<Between> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  const url = await listen(server);
  return {
    url,
    seen: [],
    async close() {
      for (const socket of sockets) socket.destroy();
      await closed(server);
    },
  };
}

async function listen(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

const closed = (server: Server): Promise<void> =>
  new Promise((resolve) => server.close(() => resolve()));
