/** Default users, channels and integrations. */
import type { ChatChannel, ChatUser, Integration } from './chat-types.ts';

/** As on a real server the two numbers of a user differ, so that mixing them up shows. */
export const defaultUsers: readonly ChatUser[] = [
  { userId: 4, webhookUserId: 1, username: 'hana', nickname: '김하나' },
  { userId: 5, webhookUserId: 2, username: 'duri', nickname: '박두리' },
  { userId: 6, webhookUserId: 3, username: 'ann', nickname: 'Ann' },
];

export const defaultChannels: readonly ChatChannel[] = [
  { channelId: 1, name: 'General' },
  { channelId: 2, name: 'Lab' },
];

/** 64 letters as in Chat. Constant, so that a configuration keeps working after a restart; it is valid only here. */
const defaultToken = 'practice'.repeat(8);

export const defaultIntegrations = (
  bridgeUrl: string | null,
  token = defaultToken,
): Integration[] => [
  { kind: 'bot', name: 'Gatehouse', token, url: bridgeUrl },
  {
    kind: 'outgoing',
    name: 'Lab out',
    token: `${token}-out`,
    url: bridgeUrl,
    channelId: 2,
    triggerWord: null,
  },
  { kind: 'incoming', name: 'Lab in', token: `${token}-in`, url: bridgeUrl, channelId: 2 },
];
