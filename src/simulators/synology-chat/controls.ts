/** Combines the parts of a simulated NAS into its control and query interface. */
import { faultControlsOf } from '../fault-controls.ts';
import type { ApiServer } from './api-server.ts';
import { auditRun } from './audit.ts';
import type { Chat } from './chat.ts';
import type { ChatUser, Integration } from './chat-types.ts';
import type { DsmControls } from './dsm-controls.ts';
import type { SimulatorContext } from './simulator-context.ts';
import type { OutgoingWebhooks } from './outgoing-webhooks.ts';

interface ControlsParts {
  nas: SimulatorContext;
  outgoing: OutgoingWebhooks;
  server: ApiServer;
  url: string;
  fingerprint256: string | null;
}

export const controlsOf = (parts: ControlsParts): DsmControls => ({
  url: parts.url,
  fingerprint256: parts.fingerprint256,
  ...chatControls(parts),
  ...faultControls(parts),
  ...views(parts),
});

function integrationOf(chat: Chat, name: string | undefined): Integration {
  const found = name === undefined ? chat.integrations[0] : chat.integration(name);
  return found ?? throwNotFound(`there is no integration ${name ?? ''}`);
}

type ChatControls = Pick<DsmControls, 'say' | 'press' | 'redeliver' | 'saveUrl'>;

function chatControls({ nas, outgoing }: ControlsParts): ChatControls {
  const { chat, feed, power } = nas;
  const userOf = (userId: number): ChatUser =>
    chat.user(userId) ?? throwNotFound(`there is no user ${userId}`);
  return {
    say({ userId, text, channelId, bot, file = null }) {
      if (!power.isPackageRunning) throwNotFound('Chat is stopped');
      const user = userOf(userId);
      const conversationId = channelId ?? conversationWith(chat, userId, bot);
      if (!chat.conversations.has(conversationId))
        throwNotFound(`there is no channel ${conversationId}`);
      const author = { kind: 'user' as const, userId };
      const content = { author, text, attachments: [], file, requestN: null };
      const post = chat.add(conversationId, { ...content, origin: 'typed' });
      return { post, settled: outgoing.sendMessage(post, user) };
    },
    press({ userId, postId, value }) {
      const post = chat.post(postId) ?? throwNotFound(`there is no post ${postId}`);
      const settled = outgoing.sendClick(post, userOf(userId), value);
      return { post, settled: settled.then((one) => [one]) };
    },
    redeliver: (id) => outgoing.redeliver(id),
    saveUrl(name, address) {
      const integration = integrationOf(chat, name);
      if (address !== undefined) integration.url = address;
      outgoing.sulking.delete(integration.name);
      feed.emit({ type: 'state' });
    },
  };
}

type FaultControls = Pick<DsmControls, 'setPackage' | keyof ReturnType<typeof faultControlsOf>>;

function faultControls({ nas, server }: ControlsParts): FaultControls {
  const { faults, rules, power, feed } = nas;
  const changed = (): void => feed.emit({ type: 'state' });
  return {
    ...faultControlsOf({ faults, rules, server, changed }),
    setPackage(running) {
      power.isPackageRunning = running;
      changed();
    },
  };
}

type Views = Omit<DsmControls, 'url' | 'fingerprint256' | keyof ChatControls | keyof FaultControls>;

function views({ nas, outgoing, url, fingerprint256 }: ControlsParts): Views {
  const { chat, feed, faults, requests, rules, power } = nas;
  const apiUrl: DsmControls['apiUrl'] = (name, method, form = 'quoted') => {
    const { kind, token } = integrationOf(chat, name);
    const named = method ?? (kind === 'incoming' ? 'incoming' : 'chatbot');
    const mark = form === 'quoted' ? '%22' : '';
    return `${url}/webapi/entry.cgi?api=SYNO.Chat.External&method=${named}&version=2&token=${mark}${encodeURIComponent(token)}${mark}`;
  };
  return {
    apiUrl,
    state: () => ({
      url,
      fingerprint256,
      ...power,
      rules: { ...rules },
      faults: faults.queue.map((one) => ({ ...one })),
      storm: faults.storm,
      users: chat.users,
      integrations: chat.integrations.map(({ kind, name, url: bridgeUrl }) => ({
        kind,
        name,
        bridgeUrl,
        apiUrl: kind === 'outgoing' ? null : apiUrl(name),
        isSulking: outgoing.sulking.has(name),
      })),
    }),
    conversations: () => [...chat.conversations.values()],
    posts: () => chat.posts,
    deliveries: () => outgoing.deliveries,
    requests: () => requests.entries,
    sulking: () => [...outgoing.sulking],
    audit: () => auditRun(nas, outgoing),
    subscribe: (listener) => feed.subscribe(listener),
    until: (condition, timeoutMs) => feed.until(condition, timeoutMs),
  };
}

function conversationWith(chat: Chat, userId: number, bot: string | undefined): number {
  const name = bot ?? chat.integrations.find((one) => one.kind === 'bot')?.name;
  const integration = name === undefined ? undefined : chat.integration(name);
  if (integration?.kind !== 'bot') return throwNotFound(`there is no bot ${name ?? ''}`);
  return chat.direct(userId, integration.name).id;
}

function throwNotFound(message: string): never {
  throw new RangeError(message);
}
