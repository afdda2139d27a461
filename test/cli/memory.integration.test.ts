/** `gatehouse memory` on a running core. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { addFact, forgetFacts, listFacts } from '#cli/memory';
import { CoreClient } from '#http/client/core-client';
import { openCore, type CoreFixture } from '#test/support/core';

let fixture: CoreFixture;
let printed: string[];
let client: CoreClient;
beforeEach(async () => {
  fixture = await openCore();
  printed = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line));
  client = new CoreClient(fixture.core.url, null);
});
afterEach(async () => {
  vi.restoreAllMocks();
  await fixture.close();
});

const none = { user: undefined, limit: undefined, json: false, all: false };
const ann = { ...none, user: 'ann' };
const last = (): string => printed.at(-1)!;

test('facts are added, listed, found and forgotten, with a line for each', async () => {
  await listFacts(client, [], none);
  expect(last()).toBe('nothing is remembered');
  await addFact(client, ['my', 'bike', 'is', 'red'], ann);
  const [id = ''] = last().split(' ');
  expect(last()).toMatch(/ http {2}ann: my bike is red$/);
  await addFact(client, ['내 차는 파란색'], { ...ann, json: true });
  expect(JSON.parse(last())).toMatchObject({ user_id: 'ann', text: '내 차는 파란색' });
  printed.length = 0;
  await listFacts(client, [], ann);
  expect(printed).toHaveLength(2);
  await listFacts(client, ['which', 'bike?'], ann);
  expect(printed).toHaveLength(3);
  await forgetFacts(client, [id], none);
  expect(last()).toBe('1 forgotten, for good');
  await forgetFacts(client, [], { ...ann, all: true, json: true });
  expect(JSON.parse(last())).toEqual({ forgotten: 1 });
  await listFacts(client, [], none);
  expect(last()).toBe('nothing is remembered');
});

test('refusals name what is wrong', async () => {
  await expect(forgetFacts(client, [], none)).rejects.toThrow('say ids, or --all');
  await expect(forgetFacts(client, ['x'], { ...ann, all: true })).rejects.toThrow('say ids');
  await expect(forgetFacts(client, [], { ...none, all: true })).rejects.toThrow('--user');
  await expect(forgetFacts(client, ['unknown'], none)).rejects.toThrow('no such fact');
  await expect(addFact(client, ['ab'], ann)).rejects.toThrow('fewer than 4');
  await expect(listFacts(client, ['bike'], none)).rejects.toThrow('one person');
});
