/**
 * Random input to all parsers of foreign text: configurations, classifications, model streams, calendars, mail,
 * webhooks.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLanguageAdapter } from '#jobs/effects/language-adapter';
import { parseWebhookPost } from '#channels/synology/webhook-payload';
import { parseConfig } from '#app/config/load-config';
import { GatehouseError } from '#shared/errors';
import { parseMail } from '#tools/email/parse-mail';
import {
  modelRequest,
  backendFor,
  textCollector,
  configFor,
  fakeLlm,
  foregroundOptions,
} from '#test/models/client/backend-fixture';
import { chunk, frame, raw } from '#test/support/fake-llm-replies';
import { openCore } from '#test/support/core';
import { runs, wildText } from './fuzz.ts';

describe('a random configuration', () => {
  const key = fc.constantFrom(
    'server',
    'nats',
    'backends',
    'roles',
    'jobs',
    'tools',
    'synology',
    'telegram',
    'database',
    'timezone',
    '__proto__',
    'constructor',
  );
  const value = fc.oneof(
    wildText.map((text) => JSON.stringify(text)),
    fc.json({ maxDepth: 3 }),
    fc.constantFrom('${PW}', '${', '*a', '&a [*a, *a]', '!!binary x', '!!js/function x', '|', '>-'),
    wildText,
  );
  const source = fc.oneof(
    fc
      .array(fc.tuple(key, value).map(([name, text]) => `${name}: ${text}`))
      .map((l) => l.join('\n')),
    fc.dictionary(key, fc.jsonValue({ maxDepth: 4 })).map((fields) => JSON.stringify(fields)),
    wildText,
    fc.string({
      unit: fc.constantFrom(...Array.from('{}[]:-?&*!|>%@`,\'" \n\ta0#')),
      maxLength: 80,
    }),
  );

  test('is accepted, or refused with an error of Gatehouse that names the file', () => {
    fc.assert(
      fc.property(source, (text) => {
        try {
          parseConfig(text, 'gatehouse.yaml', { PW: 'x' });
        } catch (error) {
          expect(error).toBeInstanceOf(GatehouseError);
          expect(String(error)).toContain('gatehouse.yaml: ');
        }
      }),
      runs(1_500),
    );
  });

  test('with exponential aliases is refused', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x]'];
    for (let n = 1; n < 12; n += 1) {
      lines.push(`a${n}: &a${n} [${Array.from({ length: 9 }, () => `*a${n - 1}`).join(', ')}]`);
    }
    expect(() => parseConfig(lines.join('\n'), 'gatehouse.yaml', {})).toThrow(
      expect.objectContaining({ code: 'GH_CONFIG_INVALID' }),
    );
  });
});

describe('a random output of a classifier', () => {
  const language = createLanguageAdapter({ timeZone: 'Asia/Seoul' });
  const now = '2026-11-18T09:00:00+09:00';
  const tool = fc.constantFrom('calendar', 'email', 'document', 'system', '__proto__', 'shell', '');
  const operation = fc.constantFrom(
    'today',
    'search',
    'create_draft',
    'create_confirmed',
    'execute',
    'constructor',
  );
  const params = fc.dictionary(
    fc.constantFrom('title', 'date', 'time', 'end_time', 'query', 'days', 'folder', 'date_from'),
    fc.oneof(wildText, fc.jsonValue({ maxDepth: 2 })),
  );
  const call = fc.record({ tool, operation, params }, { requiredKeys: [] });
  const decision = fc
    .record(
      {
        action: fc.constantFrom('direct', 'route', 'clarify', 'tools', 'system_status', 'confirm'),
        response: fc.oneof(wildText, fc.jsonValue()),
        prompt: wildText,
        tool,
        operation,
        params,
        calls: fc.array(call, { maxLength: 30 }),
      },
      { requiredKeys: [] },
    )
    .map((one) => JSON.stringify(one));
  const output = fc.oneof(
    { weight: 4, arbitrary: decision },
    fc.tuple(wildText, decision, wildText).map((parts) => parts.join('')),
    fc.tuple(decision, fc.nat(300)).map(([text, length]) => text.slice(0, length)),
    decision.map((text) => `\`\`\`json\n${text}\n\`\`\``),
    wildText,
    fc.string({ unit: fc.constantFrom(...Array.from('{}[]:,"\\ntools\u0000')), maxLength: 200 }),
  );

  test('is parsed to a valid decision or to none, and no message makes the language parsers throw', () => {
    fc.assert(
      fc.property(output, wildText, (text, message) => {
        const read = language.parseDecision(text, { message, now });
        if (read !== null) {
          expect(['direct', 'route', 'clarify', 'tools', 'system_status']).toContain(read.action);
          expect(JSON.parse(JSON.stringify(read))).toEqual(read);
        }
        language.route(message, now);
        language.parseDraftReply(message, Date.parse(now));
      }),
      runs(300),
    );
  });
});

describe('random bytes of a model server', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      frame(chunk({ content: '안녕' })),
      frame(chunk({ content: '<think>' })),
      frame(chunk({ reasoning_content: 'x' })),
      frame(chunk({}, 'stop')),
      frame(chunk({}, 'length')),
      frame({ error: 'x' }),
      frame({ choices: [] }),
      frame({ choices: null }),
      frame(chunk({ tool_calls: [{ index: 99, function: { name: 'x', arguments: '{' } }] })),
      frame(chunk({ tool_calls: null, content: 5 })),
      'data: [DONE]\n\n',
      'data:\n\n',
      ': keep-alive\n\n',
      'event: error\n',
      '\r\n',
      '\n',
    ),
    fc.json({ maxDepth: 3 }).map((json) => `data: ${json}\n\n`),
    fc.json({ maxDepth: 3 }).map((json) => `${json}\n`),
    wildText,
  );
  const bytes = fc.oneof(
    { weight: 4, arbitrary: fc.array(piece, { maxLength: 8 }).map((parts) => parts.join('')) },
    fc.uint8Array({ maxLength: 200 }),
  );
  const type = fc.constantFrom(
    'text/event-stream',
    'application/x-ndjson',
    'application/json',
    'x',
  );

  test('give an answer whose text is the streamed text, or a failure with a reason', async () => {
    const llm = await fakeLlm();
    const limits = { firstToken: 2_000, idle: 2_000, total: 5_000 };
    const backend = backendFor(configFor(llm.baseUrl, { timeoutsMs: limits }));
    await fc.assert(
      fc.asyncProperty(
        bytes,
        type,
        fc.constantFrom('chunked', 'close'),
        fc.constantFrom('end', 'reset'),
        async (sent, type, framing, ending) => {
          llm.script(raw(sent, { type, framing, ending }));
          const seen = textCollector();
          const outcome = await backend.run(
            modelRequest('x'),
            foregroundOptions({ onText: seen.onText }),
          );
          if (outcome.ok)
            expect(outcome.text).toBe(seen.text.trim() === '' ? outcome.text : seen.text);
          else expect(outcome.errorReason).toMatch(/^[a-z0-9_]+$/);
        },
      ),
      runs(100),
    );
    expect(await backend.run(modelRequest('x'), foregroundOptions())).toMatchObject({ ok: true });
  });
});

describe('a random calendar file', () => {
  const line = fc.oneof(
    fc.constantFrom(
      'BEGIN:VCALENDAR',
      'END:VCALENDAR',
      'BEGIN:VEVENT',
      'END:VEVENT',
      'UID:x',
      'SUMMARY:회의',
      'DTSTART:20310304T100000Z',
      'DTSTART;VALUE=DATE:20310304',
      'DTSTART;TZID=Mars/Olympus:20310304T100000',
      'DTEND:20310304T090000Z',
      'DTSTART:99999999T999999Z',
      'DURATION:-P99999999999W',
      'RRULE:FREQ=SECONDLY',
      'RRULE:FREQ=DAILY;INTERVAL=0',
      'RRULE:FREQ=YEARLY;BYMONTHDAY=31;BYMONTH=2',
      'RRULE:FREQ=MONTHLY;BYDAY=99MO;COUNT=999999999',
      'EXDATE:x',
      'RECURRENCE-ID:20310304T100000Z',
      'BEGIN:VTIMEZONE',
      ' folded',
    ),
    wildText.map((text) => text.replaceAll('\n', ' ')),
  );

  test('is imported as far as it can be parsed, or refused, and the calendar stays readable', async () => {
    const fixture = await openCore();
    try {
      const file = fc
        .array(line, { maxLength: 14 })
        .map((lines) =>
          ['BEGIN:VCALENDAR', 'BEGIN:VEVENT', ...lines, 'END:VEVENT', 'END:VCALENDAR'].join('\r\n'),
        );
      await fc.assert(
        fc.asyncProperty(file, async (ics) => {
          const answer = await fetch(`${fixture.core.url}/calendar/import`, {
            method: 'POST',
            body: JSON.stringify({ ics }),
          });
          const text = await answer.text();
          expect([200, 400], text).toContain(answer.status);
          const exported = await fetch(`${fixture.core.url}/calendar.ics`);
          expect(exported.status).toBe(200);
          await exported.text();
        }),
        runs(100),
      );
      const { end } = await fixture.ask('2031년 3월 4일 일정 알려줘');
      expect(end.data).toMatchObject({ outcome: 'answered' });
    } finally {
      await fixture.close();
    }
  });
});

describe('the random bytes', () => {
  const header = fc.constantFrom(
    'From: =?utf-8?B?!!!?= <a@b>',
    'Subject: =?euc-kr?Q?=C8=B8?=',
    'Content-Type: multipart/mixed; boundary=x',
    'Content-Type: text/html; charset=nonsense',
    'Content-Type: text/plain; charset=cp949',
    'Content-Transfer-Encoding: base64',
    'Content-Type: message/rfc822',
    '--x',
    '--x--',
    '',
  );
  const mail = fc.oneof(
    fc
      .array(fc.oneof(header, wildText), { maxLength: 12 })
      .map((lines) => Buffer.from(lines.join('\r\n'))),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  );

  test('of a mail are parsed to single lines of limited length without bidirectional marks', () => {
    fc.assert(
      fc.property(mail, (source) => {
        const { from, subject, text } = parseMail(source);
        expect(Math.max(from.length, subject.length)).toBeLessThanOrEqual(300);
        expect(text.length).toBeLessThanOrEqual(20_000);
        expect(`${from}${subject}${text}`).not.toMatch(/[\r\n\u202a-\u202e]/);
      }),
      runs(300),
    );
  });

  test('of a webhook are parsed to a post or to none, without values of a prototype', () => {
    const form = fc
      .array(
        fc.tuple(
          fc.constantFrom('token', 'user_id', 'post_id', 'text', 'payload', '__proto__', 'file'),
          fc.oneof(wildText, fc.json()),
        ),
      )
      .map((pairs) => new URLSearchParams(pairs).toString());
    const type = fc.constantFrom('application/x-www-form-urlencoded', 'application/json', '');
    fc.assert(
      fc.property(fc.oneof(form, wildText, fc.json()), type, (body, contentType) => {
        const post = parseWebhookPost(body, contentType);
        if (post === null) return;
        for (const value of [post.token, post.userId, post.postId]) {
          expect(typeof value).toBe('string');
          expect(value).not.toContain('[native code]');
        }
      }),
      runs(1_500),
    );
  });
});
