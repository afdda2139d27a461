/** What each answer of a NAS says of the post that was sent. */
import { expect, test } from 'vitest';
import type { DeliveryEvent } from '../../machines/delivery.ts';
import { deliveryEventOf } from '../../src/bridge/nas-answer.ts';

const page = '<!DOCTYPE html><h1>Sorry</h1>';
const refusal = (code: number): object => ({ success: false, error: { code, errors: 'x' } });
const posted = (fail: unknown, map: object): object => ({
  success: true,
  data: { fail, succ: { user_id_post_map: map } },
});

test.each<[status: number, body: string | object, type: DeliveryEvent['type']]>([
  [200, { success: true }, 'posted'],
  [200, posted([], { 4: 77 }), 'posted'],
  // Somebody has it.
  [200, posted([6], { 4: 77 }), 'posted'],
  [200, posted([4], {}), 'refused'],
  [200, posted('none', {}), 'posted'],
  [200, page, 'lost'],
  [200, { success: 'yes' }, 'lost'],
  // Sent again, each of these could be there twice.
  [201, { success: true }, 'lost'],
  [202, { success: true }, 'lost'],
  [204, '', 'lost'],
  [206, refusal(411), 'lost'],
  [500, page, 'lost'],
  [502, refusal(100), 'lost'],
  // The web server without the Chat API behind it.
  [302, page, 'stopped'],
  [308, '', 'stopped'],
  [400, page, 'stopped'],
  [403, page, 'stopped'],
  [404, page, 'stopped'],
  [408, page, 'stopped'],
  [429, page, 'stopped'],
  [413, page, 'tooLong'],
  // The Chat API's own words count more than the status.
  [404, refusal(404), 'refused'],
  [403, refusal(102), 'stopped'],
  [404, { success: true }, 'lost'],
  [200, refusal(100), 'stopped'],
  [200, refusal(102), 'stopped'],
  [200, refusal(117), 'busy'],
  [200, refusal(411), 'tooFast'],
  [200, refusal(410), 'tooLong'],
  [200, refusal(407), 'refused'],
  [200, refusal(999), 'refused'],
])('HTTP %i with %j means "%s"', (status, body, type) => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = { kind: 'answer' as const, status, headers: {}, body: Buffer.from(text) };
  expect(deliveryEventOf(answer, 10).type).toBe(type);
});
