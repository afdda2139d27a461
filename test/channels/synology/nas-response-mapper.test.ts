/** The delivery event for each response of a NAS to a post. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { DeliveryEvent } from '#machines/delivery';
import { mapResponse } from '#channels/synology/nas-response-mapper';

const loginPage = `<!DOCTYPE html><html><head><title>DiskStation</title>
<script src="webman/3rdparty/boot.js"></script></head><body></body></html>`;
const page = '<!DOCTYPE html><h1>Sorry</h1>';
const refusal = (code: number): object => ({ success: false, error: { code, errors: 'x' } });
const posted = (fail: unknown, map: object): object => ({
  success: true,
  data: { fail, succ: { user_id_post_map: map } },
});

test.each<[status: number, body: string | object, type: DeliveryEvent['type']]>([
  [200, { success: true }, 'posted'],
  [200, posted([], { 4: 77 }), 'posted'],
  // At least one user has the post.
  [200, posted([6], { 4: 77 }), 'posted'],
  [200, posted([4], {}), 'refused'],
  [200, posted('none', {}), 'posted'],
  [200, page, 'lost'],
  [200, { success: 'yes' }, 'lost'],
  // The post may have been stored: it is not sent again.
  [201, { success: true }, 'lost'],
  [202, { success: true }, 'lost'],
  [204, '', 'lost'],
  [206, refusal(411), 'lost'],
  [500, page, 'lost'],
  [502, refusal(100), 'lost'],
  // The web server answers without the Chat API.
  [302, page, 'stopped'],
  [308, '', 'stopped'],
  [400, page, 'stopped'],
  [403, page, 'stopped'],
  [404, page, 'stopped'],
  [408, page, 'stopped'],
  [429, page, 'stopped'],
  [413, page, 'tooLong'],
  // The error code of the Chat API takes precedence over the HTTP status.
  [404, refusal(404), 'refused'],
  [403, refusal(102), 'stopped'],
  [404, { success: true }, 'lost'],
  [200, refusal(100), 'stopped'],
  [200, refusal(102), 'stopped'],
  [200, refusal(117), 'busy'],
  [200, refusal(411), 'tooFast'],
  [200, refusal(410), 'tooLong'],
  [200, refusal(407), 'refused'],
  // N3: an unknown code counts as stopped, as a page does.
  [200, refusal(999), 'stopped'],
  [200, refusal(402), 'stopped'],
  [200, refusal(121), 'stopped'],
  [200, refusal(-4), 'stopped'],
  [200, { success: false }, 'stopped'],
  [200, { success: false, error: null }, 'stopped'],
  [200, { success: false, error: 'not now' }, 'stopped'],
  // The guide describes all these codes with the same words as "busy".
  [200, refusal(109), 'busy'],
  [200, refusal(110), 'busy'],
  [200, refusal(111), 'busy'],
  [200, refusal(118), 'busy'],
  // Missing rights and wrong tokens are permanent.
  [200, refusal(105), 'refused'],
  [200, refusal(115), 'refused'],
  [200, refusal(160), 'refused'],
  // The same responses in other formats.
  [200, { success: 'true' }, 'posted'],
  [200, { success: 'false', error: { code: '411' } }, 'tooFast'],
  [200, { success: false, error: { code: ' 410 ' } }, 'tooLong'],
  [200, { success: false, error: 109 }, 'busy'],
  [200, { success: false, error: { error: { code: 411 } } }, 'tooFast'],
  [200, { success: false, error: { errors: [{ code: 117 }] } }, 'busy'],
  [200, { success: false, error: [{ code: 118 }] }, 'busy'],
  // The outer code names the failure, the inner code its reason.
  [200, { success: false, error: { code: 407, errors: [{ code: 117 }] } }, 'refused'],
  [200, { success: 0, error: { errno: 411 } }, 'tooFast'],
  [200, { error: { code: 411 } }, 'tooFast'],
  [200, `\uFEFF${JSON.stringify(refusal(411))}\n`, 'tooFast'],
  [200, { success: true, error: {} }, 'posted'],
  // The response contradicts itself: the post may be there.
  [200, { success: true, error: { code: 411 } }, 'lost'],
  [200, '', 'lost'],
  [200, '[]', 'lost'],
  [200, 'null', 'lost'],
  [200, '"ok"', 'lost'],
  // DSM serves its desktop for an address that is not an API.
  [200, loginPage, 'stopped'],
  [302, loginPage, 'stopped'],
  // A web server in front of DSM answers with its own JSON.
  [429, { message: 'too many requests' }, 'stopped'],
  [429, refusal(411), 'tooFast'],
  [400, refusal(118), 'busy'],
  [503, { error: 'unavailable' }, 'lost'],
  [503, refusal(117), 'busy'],
  [500, refusal(999), 'lost'],
  [500, { success: true }, 'lost'],
])('the response HTTP %i with %j is mapped to the event "%s"', (status, body, type) => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = { kind: 'answer' as const, status, headers: {}, body: Buffer.from(text) };
  expect(mapResponse(answer, 10).type).toBe(type);
});

const folder = join(import.meta.dirname, 'cases');

test.each(readdirSync(folder))('a post that the NAS refuses as busy is retried: %s', (name) => {
  const { nas_answer: body } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
    nas_answer: object;
  };
  const bytes = Buffer.from(JSON.stringify(body));
  const answer = { kind: 'answer' as const, status: 200, headers: {}, body: bytes };
  expect(mapResponse(answer, 10).type).toBe('busy');
});
