/** The contract of the storage port of sessions and invites, for every database. */
import { beforeEach, describe, expect, test } from 'vitest';
import type { Session } from '#sessions/session';
import {
  invitesOfPersonMax,
  wrongTriesMax,
  type NewSession,
  type SessionStorage,
  type StoredInvite,
} from '#sessions/session-port';
import { useLibraryStores } from '#test/support/library-stores';
import { largeText, unusualTexts } from './storable-texts.ts';

const stores = useLibraryStores();

const session = (id: string, more: Partial<NewSession> = {}): NewSession => ({
  id,
  tokenHash: `hash ${id}`,
  userId: 'ann',
  keyProof: null,
  device: 'Safari, iPhone',
  createdAt: 1_000,
  usedAt: 1_000,
  expiresAt: 50_000,
  ...more,
});
const invite = (id: string, more: Partial<StoredInvite> = {}): StoredInvite => ({
  id,
  codeHash: `code ${id}`,
  userId: 'ann',
  createdAt: 1_000,
  expiresAt: 9_000,
  ...more,
});
const stored = ({ tokenHash: _hash, ...rest }: NewSession): Session => rest;
const ids = (rows: readonly { id: string }[]): string[] => rows.map(({ id }) => id);
const redeem = (sessions: SessionStorage, inviteId: string, id: string, now = 2_000) => {
  const { userId: _user, ...rest } = session(id);
  return sessions.redeem(inviteId, rest, now);
};

describe.each(stores)('the sessions in $name', ({ missing, open }) => {
  beforeEach(({ skip }) => skip(missing !== null, missing ?? ''));

  test('are found by the hash of their token, with all that was stored', async () => {
    const { sessions } = await open();
    const operator = session('op', { userId: null, keyProof: 'ab12' });
    for (const one of [session('a'), operator]) {
      await sessions.add(one);
      expect(await sessions.find(one.tokenHash)).toEqual(stored(one));
    }
    expect(await sessions.find('a')).toBeNull();
    for (const [at, text] of unusualTexts.entries()) {
      const one = session(`u${at}`, { userId: text, device: text });
      await sessions.add(one);
      expect((await sessions.find(one.tokenHash))?.id).toBe(one.id);
      expect(ids(await sessions.list(text, 2_000, null, 10))).toContain(one.id);
    }
  });

  test('move their end with each use, never back, and an ended one does not come back', async () => {
    const { sessions } = await open();
    await sessions.add(session('a'));
    await sessions.touch('a', 3_000, 60_000);
    await sessions.touch('a', 2_000, 55_000);
    expect(await sessions.find('hash a')).toMatchObject({ usedAt: 3_000, expiresAt: 60_000 });
    expect(await sessions.end('a', null, 4_000)).toBe(true);
    await sessions.touch('a', 5_000, 70_000);
    expect(await sessions.find('hash a')).toBeNull();
    expect(await sessions.end('a', null, 4_000)).toBe(false);
  });

  test('are listed newest first, of one person or of all with the operator, page by page', async () => {
    const { sessions } = await open();
    await sessions.add(session('a', { createdAt: 3 }));
    await sessions.add(session('b', { createdAt: 2 }));
    await sessions.add(session('c', { createdAt: 2 }));
    await sessions.add(session('d', { createdAt: 9, userId: 'bob' }));
    await sessions.add(session('e', { createdAt: 1, userId: null }));
    await sessions.add(session('x', { createdAt: 8, expiresAt: 100 }));
    expect(ids(await sessions.list('ann', 100, null, 10))).toEqual(['a', 'c', 'b']);
    expect(ids(await sessions.list(null, 100, null, 3))).toEqual(['d', 'a', 'c']);
    expect(ids(await sessions.list(null, 100, { createdAt: 2, id: 'c' }, 9))).toEqual(['b', 'e']);
    expect(ids(await sessions.list('ann', 100, { createdAt: 3, id: 'a' }, 1))).toEqual(['c']);
  });

  test('are ended by their person or by an operator, and by no other person', async () => {
    const { sessions } = await open();
    await sessions.add(session('a'));
    await sessions.add(session('op', { userId: null }));
    await sessions.add(session('old', { expiresAt: 100 }));
    expect(await sessions.end('a', 'bob', 100)).toBe(false);
    expect(await sessions.end('op', 'ann', 100)).toBe(false);
    expect(await sessions.end('old', null, 100)).toBe(false);
    expect(await sessions.alive(['a', 'op', 'old', 'none', "o'r"], 100)).toEqual(
      expect.arrayContaining(['a', 'op']),
    );
    expect(await sessions.end('a', 'ann', 100)).toBe(true);
    expect(await sessions.alive(['a', 'op', 'old'], 100)).toEqual(['op']);
    expect(await sessions.alive([], 100)).toEqual([]);
  });

  test('an invite is used once: of many at the same time exactly one wins, with the session of its person', async () => {
    const { sessions } = await open();
    await sessions.addInvite(invite('i', { userId: 'bob' }));
    const tries = Array.from({ length: 8 }, (_, n) => redeem(sessions, 'i', `s${n}`));
    const won = (await Promise.all(tries)).map((isWon, n) => (isWon ? `s${n}` : ''));
    expect(won.filter((id) => id !== '')).toHaveLength(1);
    expect(ids(await sessions.list('bob', 2_000, null, 10))).toEqual(won.filter((id) => id !== ''));
    expect(await sessions.openInvites(2_000)).toEqual([]);
    expect(await redeem(sessions, 'i', 'again')).toBe(false);
  });

  test('an invite that has expired cannot be used, and is removed by the next one', async () => {
    const { sessions, run } = await open();
    await sessions.addInvite(invite('i'));
    expect(await redeem(sessions, 'i', 's', 9_000)).toBe(false);
    expect(await sessions.openInvites(9_000)).toEqual([]);
    expect(await sessions.openInvites(8_999)).toEqual([invite('i')]);
    const later = invite('j', { createdAt: 9_001, expiresAt: 20_000 });
    await sessions.addInvite(later);
    expect(await run('select id from invite')).toEqual([{ id: 'j' }]);
    expect(await sessions.openInvites(9_001)).toEqual([later]);
  });

  test('a person has some invites at most, the oldest is withdrawn; those of others stay', async () => {
    const { sessions } = await open();
    await sessions.addInvite(invite('bob', { userId: 'bob' }));
    for (let n = 0; n < invitesOfPersonMax + 2; n += 1) {
      await sessions.addInvite(invite(`i${n}`, { createdAt: 1_000 + n }));
    }
    const left = Array.from({ length: invitesOfPersonMax }, (_, n) => `i${n + 2}`);
    expect(ids(await sessions.openInvites(2_000))).toEqual(['bob', ...left]);
  });

  test('wrong tries withdraw all invites that are open meanwhile, also when they come at once', async () => {
    const { sessions } = await open();
    await sessions.addInvite(invite('i'));
    await sessions.addInvite(invite('j', { userId: 'bob' }));
    const tries = Array.from({ length: wrongTriesMax - 1 }, () => sessions.countWrongTry(2_000));
    expect(new Set(await Promise.all(tries))).toEqual(new Set([0]));
    await sessions.addInvite(invite('late'));
    expect(await sessions.countWrongTry(2_000)).toBe(2);
    expect(ids(await sessions.openInvites(2_000))).toEqual(['late']);
    expect(await redeem(sessions, 'i', 's')).toBe(false);
    expect(await sessions.countWrongTry(2_000)).toBe(0);
    expect(await redeem(sessions, 'late', 's')).toBe(true);
  });

  test('lose what has expired after a time, and never what has not', async () => {
    const { sessions, run } = await open();
    await sessions.add(session('a'));
    await sessions.add(session('old', { expiresAt: 100 }));
    await sessions.addInvite(invite('i'));
    expect(await sessions.prune(100)).toBe(0);
    expect(await sessions.prune(9_001)).toBe(2);
    expect(await run('select id from session')).toEqual([{ id: 'a' }]);
    expect(await run('select id from invite')).toEqual([]);
  });

  test('on a full disk a sign-in is refused with a code, and the invite can be used later', async () => {
    const { sessions, fillDisk } = await open();
    await sessions.addInvite(invite('i'));
    const { userId: _user, ...large } = session('s', { device: largeText });
    const free = await fillDisk();
    await expect(sessions.redeem('i', large, 2_000)).rejects.toMatchObject({
      code: 'GH_STORE_UNAVAILABLE',
    });
    await free();
    expect(await sessions.redeem('i', large, 2_000)).toBe(true);
  });
});
