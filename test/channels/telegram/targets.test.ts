import { describe, expect, test } from 'vitest';
import { configSchema } from '#app/config/config';
import { channels } from '#app/channels';
import { paceOf, parseTargets } from '#channels/telegram/targets';
import { silentLog } from '#shared/log';

const settings = {
  token: '700:x',
  apiRoot: 'https://api.telegram.org',
  allowedUserIds: [42, '43'],
  groups: [
    { id: -5, triggerWords: [] },
    { id: '-1001', triggerWords: [], allowedUserIds: [42] },
  ],
};
const targets = parseTargets(settings);

describe('the places of the bot', () => {
  test.each([
    ['main', null],
    ['main/7', 'topic-7'],
    ['group-5', 'group-5'],
    ['group-5/12', 'group-5-12'],
    ['group-1001/7', 'group-1001-7'],
  ])('have a name and a thread that lead back to them: %s', (name, thread) => {
    expect(targets.byName(name)).toMatchObject({ name, thread });
    expect(targets.threadOf(name)).toBe(thread);
    expect(targets.byThread(thread)?.name).toBe(name);
  });

  test.each(['group-6', 'group-5/x', 'group-5/1/2', 'topic-7', '', 'none'])(
    'do not have the name %j',
    (name) => {
      expect(targets.byName(name)).toBeNull();
    },
  );

  test('serve allowed users only, of a group those of the group', () => {
    const served = (name: string) =>
      ['42', '43', '44'].filter((user) => targets.byName(name)!.hasMember(user));
    expect([served('main/7'), served('group-5/1'), served('group-1001')]).toEqual([
      ['42', '43'],
      ['42', '43'],
      ['42'],
    ]);
  });

  test('include one for people who are not served, to which no thread and no reply leads', () => {
    expect(targets.byThread('strangers')).toBeNull();
    expect(targets.all.map(({ name }) => name)).toEqual(['main', 'group-5', 'group-1001']);
    expect(targets.byName('strangers')!.hasMember('666')).toBe(true);
  });

  test('share the limits of their chat: all topics of a group count together', () => {
    const pace = (name: string) => paceOf(targets.byName(name)!, '42');
    expect(pace('group-5/1')).toEqual(pace('group-5'));
    expect(pace('group-5')).toMatchObject({ place: '-5', perMinute: 20 });
    expect(pace('main')).toMatchObject({ place: '42', minIntervalMs: 1_000, perMinute: 0 });
  });

  test.each([
    [{ ...settings, token: null }, 'telegram.token: not set'],
    [{ ...settings, allowedUserIds: [] }, 'telegram.allowedUserIds is empty'],
    [
      { ...settings, groups: [...settings.groups, { id: '-5', triggerWords: [] }] },
      '-5 stands twice',
    ],
  ])('are refused with what to do', (wrong, why) => {
    expect(() => parseTargets(wrong)).toThrow(why);
  });
});

test('a person with an id in Telegram may use the bot without another line', async () => {
  const config = configSchema.parse({
    persons: [{ id: 'kim', channels: { telegram: 42, synology: 4 } }, { id: 'lee' }],
    telegram: { token: ' 700:x\n' },
  });
  const channel = channels.find(({ name }) => name === 'telegram')!;
  const { adapter } = await channel.open(config, silentLog());
  const { hasMember } = adapter.targets.all[0]!;
  expect(['42', '4', 'kim'].map(hasMember)).toEqual([true, false, false]);
  const other = { ...config, persons: [] };
  await expect(channel.open(other, silentLog())).rejects.toThrow('no person has an id in telegram');
});
