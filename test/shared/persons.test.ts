import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createPersons, noPersons } from '#shared/persons';
import { conversationKey, threadOf } from '#shared/wire/conversation';

const chats = ['synology', 'telegram'];
const persons = createPersons(
  [
    { id: 'kim', name: '김', channels: { synology: '4', telegram: '123456' } },
    { id: 'lee', name: 'Lee', channels: { telegram: '4' } },
  ],
  chats,
);

describe('persons', () => {
  test.each([
    ['synology', '4', 'kim'],
    ['telegram', '123456', 'kim'],
    ['telegram', '4', 'lee'],
    // Nobody's ids stay what they are.
    ['synology', '5', '5'],
    ['telegram', '5', '5'],
    ['http', '4', '4'],
    ['http', 'kim', 'kim'],
  ])('the owner of a message by %s of the id %s is %s', (channel, id, owner) => {
    expect(persons.userOf(channel, id)).toBe(owner);
  });

  test.each([
    ['kim', 'synology', '4'],
    ['kim', 'telegram', '123456'],
    ['lee', 'synology', null],
    ['5', 'synology', '5'],
    ['kim', 'http', 'kim'],
  ])('%s has the address in %s: %s', (user, channel, address) => {
    expect(persons.addressOf(user, channel)).toBe(address);
  });

  test('a message to a chat in which the person has no id is refused', () => {
    expect(() => persons.requireAddress('lee', 'synology')).toThrow(
      expect.objectContaining({ code: 'GH_REQUEST_INVALID' }),
    );
    persons.requireAddress('lee', 'http');
    persons.requireAddress('5', 'synology');
  });

  test('an id of a chat that is spelled like a person is not that person', () => {
    expect(() => persons.rejectImpostor('synology', 'kim')).toThrow(
      expect.objectContaining({ code: 'GH_REQUEST_FORBIDDEN' }),
    );
    persons.rejectImpostor('synology', '4');
    persons.rejectImpostor('synology', '5');
  });

  test('a person has one conversation on all channels; threads and chats of API clients are their own', () => {
    const of = (channel: string, thread?: string) =>
      persons.conversationOf({ channel, thread, userId: 'kim' });
    expect(new Set([of('synology'), of('telegram'), of('http'), of('terminal')]).size).toBe(1);
    const own = [of('synology', 'room'), of('telegram', 'room'), of('openai-abc'), of('http')];
    expect(new Set(own).size).toBe(4);
    expect(threadOf(of('http'))).toBeNull();
  });

  test.each([
    ['synology', undefined, 'kim', true],
    ['http', 'a', 'kim', true],
    ['synology', 'channel-all', 'kim', false],
    ['synology', undefined, '5', false],
  ])(
    '%s, thread %s, %s: decides drafts of other conversations: %s',
    (channel, thread, userId, may) => {
      expect(persons.decidesElsewhere({ channel, thread, userId })).toBe(may);
    },
  );

  const id = fc.stringMatching(/^[A-Za-z0-9:/*_-]{1,6}$/);
  const channel = fc.stringMatching(/^[A-Za-z0-9_-]{1,6}$/);

  test('no conversation of a person is one of another user, whatever the ids are', () => {
    const address = fc.record({
      channel,
      thread: fc.option(channel, { nil: undefined }),
      userId: id,
    });
    fc.assert(
      fc.property(address, address, fc.boolean(), (one, two, both) => {
        const ids = both ? [one.userId, two.userId] : [one.userId];
        const some = createPersons(
          [...new Set(ids)].map((name) => ({ id: name, name, channels: {} })),
          chats,
        );
        const isSame = some.conversationOf(one) === some.conversationOf(two);
        expect(isSame && one.userId !== two.userId).toBe(false);
      }),
    );
  });

  test('without persons nothing is changed', () => {
    fc.assert(
      fc.property(
        channel,
        fc.option(channel, { nil: undefined }),
        fc.string(),
        (name, thread, userId) => {
          expect(noPersons.userOf(name, userId)).toBe(userId);
          expect(noPersons.addressOf(userId, name)).toBe(userId);
          noPersons.rejectImpostor(name, userId);
          noPersons.requireAddress(userId, name);
          const address = { channel: name, thread, userId };
          expect(noPersons.conversationOf(address)).toBe(conversationKey(address));
          expect(noPersons.decidesElsewhere(address)).toBe(false);
        },
      ),
    );
  });
});
