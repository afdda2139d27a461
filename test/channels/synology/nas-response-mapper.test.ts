/** What each answer of a NAS says of the post that was sent. */
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
  // N3: a code that is not in the table is doubted, as a page is.
  [200, refusal(999), 'stopped'],
  [200, refusal(402), 'stopped'],
  [200, refusal(121), 'stopped'],
  [200, refusal(-4), 'stopped'],
  [200, { success: false }, 'stopped'],
  [200, { success: false, error: null }, 'stopped'],
  [200, { success: false, error: 'not now' }, 'stopped'],
  // The codes that the guide calls "busy", word for word the same.
  [200, refusal(109), 'busy'],
  [200, refusal(110), 'busy'],
  [200, refusal(111), 'busy'],
  [200, refusal(118), 'busy'],
  // Rights and tokens are what they are.
  [200, refusal(105), 'refused'],
  [200, refusal(115), 'refused'],
  [200, refusal(160), 'refused'],
  // The same answers as others write them.
  [200, { success: 'true' }, 'posted'],
  [200, { success: 'false', error: { code: '411' } }, 'tooFast'],
  [200, { success: false, error: { code: ' 410 ' } }, 'tooLong'],
  [200, { success: false, error: 109 }, 'busy'],
  [200, { success: false, error: { error: { code: 411 } } }, 'tooFast'],
  [200, { success: false, error: { errors: [{ code: 117 }] } }, 'busy'],
  [200, { success: false, error: [{ code: 118 }] }, 'busy'],
  // The outer code says what failed, the inner one why.
  [200, { success: false, error: { code: 407, errors: [{ code: 117 }] } }, 'refused'],
  [200, { success: 0, error: { errno: 411 } }, 'tooFast'],
  [200, { error: { code: 411 } }, 'tooFast'],
  [200, `\uFEFF${JSON.stringify(refusal(411))}\n`, 'tooFast'],
  [200, { success: true, error: {} }, 'posted'],
  // It says two things: the post may be there.
  [200, { success: true, error: { code: 411 } }, 'lost'],
  [200, '', 'lost'],
  [200, '[]', 'lost'],
  [200, 'null', 'lost'],
  [200, '"ok"', 'lost'],
  // DSM serves its desktop for an address that is none of its APIs.
  [200, loginPage, 'stopped'],
  [302, loginPage, 'stopped'],
  // A web server in front that answers in JSON of its own.
  [429, { message: 'too many requests' }, 'stopped'],
  [429, refusal(411), 'tooFast'],
  [400, refusal(118), 'busy'],
  [503, { error: 'unavailable' }, 'lost'],
  [503, refusal(117), 'busy'],
  [500, refusal(999), 'lost'],
  [500, { success: true }, 'lost'],
])('HTTP %i with %j means "%s"', (status, body, type) => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = { kind: 'answer' as const, status, headers: {}, body: Buffer.from(text) };
  expect(mapResponse(answer, 10).type).toBe(type);
});

const folder = join(import.meta.dirname, 'cases');

test.each(readdirSync(folder))('a busy NAS is asked again: %s', (name) => {
  const { nas_answer: body } = JSON.parse(readFileSync(join(folder, name), 'utf8')) as {
    nas_answer: object;
  };
  const bytes = Buffer.from(JSON.stringify(body));
  const answer = { kind: 'answer' as const, status: 200, headers: {}, body: bytes };
  expect(mapResponse(answer, 10).type).toBe('busy');
});
