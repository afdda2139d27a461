import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { chunk, frame } from '#test/support/fake-llm-replies';
import { done, say, stop } from '#test/support/fake-llm-shape';
import { readStream } from '#test/support/read-stream';

const caseFile = (name: string): string =>
  readFileSync(join(import.meta.dirname, 'cases', name), 'utf8');
const theory = '상대성 이론은 시간과 공간이 다르다는 이론입니다.';
const hello = '안녕하세요';
const words = say('안녕') + say('하세요');
const call = frame(
  chunk({ tool_calls: [{ index: 0, id: 'a', function: { name: 'search', arguments: '{}' } }] }),
);
/** A frame with content and with these further fields in its choice. */
const choice = (content: string, fields: object): string =>
  frame({ choices: [{ index: 0, delta: { content }, ...fields }] });

describe('the stream of a case file', () => {
  test.each([
    '01-done-without-finish.sse',
    '01-finish-empty-string-all.sse',
    '02-finish-string-null.sse',
    '02-stop-in-first-chunk.sse',
    '03-single-newlines.sse',
    '20-error-empty-object.sse',
  ])('is read whole, with the finish stop: %s', (name) => {
    expect(readStream(caseFile(name))).toMatchObject({ end: 'ok', text: theory, finish: 'stop' });
  });
});

describe('the [DONE] of a stream', () => {
  test.each([
    ['finish_reason is absent', choice('안녕', {}) + choice('하세요', {}) + done],
    ['finish_reason is null', words + done],
    ['finish_reason is the text "None"', choice(hello, { finish_reason: 'None' }) + done],
    ['finish_reason is an empty object', choice(hello, { finish_reason: {} }) + done],
    ['[DONE] has no blank line behind it', words + 'data: [DONE]'],
    ['[DONE] has no space before it', words + 'data:[DONE]\n\n'],
    ['[DONE] is quoted', words + 'data: "[DONE]"\n\n'],
    ['[DONE] is in small letters', words + 'data: [done]\n\n'],
    ['[DONE] stands on a bare line', words + '[DONE]\n'],
    ['words follow [DONE]', words + done + say('!')],
    ['an error follows [DONE]', words + done + frame({ error: 'late' })],
  ])('ends an answer where %s', (_title, bytes) => {
    expect(readStream(bytes)).toMatchObject({ end: 'ok', text: hello, finish: 'stop' });
  });

  test('gives the finish tool_calls after a tool call', () => {
    expect(readStream(call + done)).toMatchObject({
      finish: 'tool_calls',
      calls: [['search', '{}']],
    });
  });

  test.each([
    [
      'an error before [DONE] is an error',
      words + frame({ error: 'boom' }) + done,
      'upstream_stream_error',
    ],
    ['[DONE] without a word is an empty answer', done, 'empty_answer'],
    [
      'thinking alone before [DONE] is no answer',
      frame(chunk({ reasoning: '음' })) + done,
      'unclosed_thinking',
    ],
    ['an end without any sign is a cut', words, 'truncated'],
    ['"null" is no sign', choice(hello, { finish_reason: 'null' }), 'truncated'],
    ['a sign before the first word is none', stop + words, 'truncated'],
  ])('is not taken for the end of a whole answer: %s', (_title, bytes, end) => {
    expect(readStream(bytes).end).toBe(end);
  });
});

describe('the finish_reason of a stream', () => {
  test.each([
    [choice(hello, { finishReason: 'stop' }), 'stop'],
    [choice(hello, { finishReason: 'STOP' }), 'stop'],
    [choice(hello, { finish_reason: 'FinishReason.STOP' }), 'stop'],
    [choice(hello, { finish_reason: { type: 'stop' } }), 'stop'],
    [choice(hello, { stop_reason: 'end_turn' }), 'stop'],
    [choice(hello, { finish_reason: null, stop_reason: 'max_tokens' }), 'length'],
    [choice(hello, { finish_reason: 'MAX_TOKENS' }), 'length'],
    [choice(hello, { finish_reason: 'eos_token' }), 'stop'],
    [choice(hello, { finish_reason: 'SAFETY' }), 'content_filter'],
    [frame({ choices: [{ delta: { content: hello, finish_reason: 'length' } }] }), 'length'],
    [frame({ choices: { index: 0, delta: { content: hello }, finish_reason: 'stop' } }), 'stop'],
    [words + frame({ choices: [{ index: 0, delta: {} }], finish_reason: 'length' }), 'length'],
    [
      '{"message":{"content":"안녕"},"done":false}\n{"message":{"content":"하세요"},"done":false}\n' +
        '{"message":{"content":""},"done":true,"done_reason":"stop"}\n',
      'stop',
    ],
  ])('is found under any of its names and values: %s', (bytes, finish) => {
    expect(readStream(bytes)).toMatchObject({ end: 'ok', text: hello, finish });
  });

  test.each(['abort', 'error', 'cancelled', 'Timeout', 'network_error'])(
    'with the value %s is reported as upstream_stream_error',
    (word) => {
      expect(readStream(words + frame(chunk({}, word)) + done).end).toBe('upstream_stream_error');
    },
  );
});

describe('a finish_reason before the end of a stream', () => {
  const beside = (content: string, finish = 'stop'): string => frame(chunk({ content }, finish));
  test.each([
    ['stop beside every word', beside('안녕') + beside('하세요') + done, 'stop'],
    ['stop beside every word, without [DONE]', beside('안녕') + beside('하세요'), 'stop'],
    ['stop beside the first word only', beside('안녕') + say('하세요') + done, 'stop'],
    [
      'stop before every word, length at the end',
      stop + words + frame(chunk({}, 'length')),
      'length',
    ],
    [
      'stop beside the words, then length apart',
      beside(hello) + frame(chunk({}, 'length')),
      'length',
    ],
    ['stop twice', words + stop + stop + done, 'stop'],
    [
      'stop apart, then more words and stop',
      say('안녕') + stop + say('하세요') + stop + done,
      'stop',
    ],
    ['stop apart, then more words and [DONE]', say('안녕') + stop + say('하세요') + done, 'stop'],
    ['stop apart, then more words and the end', say('안녕') + stop + say('하세요'), 'stop'],
    [
      'stop while it still thinks',
      frame(chunk({ reasoning: '음' }, 'stop')) + words + stop,
      'stop',
    ],
    [
      'stop apart, then words and another finish_reason',
      words + stop + say('!') + frame(chunk({}, 'length')),
      'stop',
    ],
  ])('gives the text and the finish of its case: %s', (_title, bytes, finish) => {
    expect(readStream(bytes)).toMatchObject({ end: 'ok', text: hello, finish });
  });

  test.each([
    ['a call after stop', words + stop + call + done],
    [
      'a call after stop, then tool_calls',
      words + stop + call + frame(chunk({}, 'tool_calls')) + done,
    ],
    ['a call after tool_calls', words + frame(chunk({}, 'tool_calls')) + call + done],
    ['a call after stop in the first frame', stop + words + call + done],
    ['a call beside stop', words + call.replace('"finish_reason":null', '"finish_reason":"stop"')],
  ])('keeps the tool call of its case: %s', (_title, bytes) => {
    expect(readStream(bytes)).toMatchObject({
      end: 'ok',
      text: hello,
      finish: 'tool_calls',
      calls: [['search', '{}']],
    });
  });

  test('does not hide an error after further words', () => {
    const bytes = beside('안녕') + beside('하세요') + frame({ error: 'boom' });
    expect(readStream(bytes).end).toBe('upstream_stream_error');
  });

  test('beside the whole message does not show the text a second time', () => {
    const last = frame({
      choices: [{ index: 0, message: { content: hello }, finish_reason: 'stop' }],
    });
    expect(readStream(words + last)).toMatchObject({ end: 'ok', text: hello });
  });
});

describe('an error field without an error', () => {
  test.each([
    { error: {} },
    { error: null },
    { error: '' },
    { error: false },
    { error: [] },
    { error: { message: '', code: null } },
    { error: { code: 0, message: 'success' } },
    { detail: '' },
    { detail: [] },
    { detail: {} },
    { detail: null, errors: [] },
  ])('does not end the answer: %j', (fields) => {
    const bytes = frame({ ...chunk({ content: hello }), ...fields }) + frame(fields) + stop + done;
    expect(readStream(bytes)).toMatchObject({ end: 'ok', text: hello });
  });
});

describe('an error in a stream', () => {
  test.each([
    { error: 'boom' },
    { error: { message: 'boom' } },
    { error: { code: 502 } },
    { error: { message: null, type: 'server_error' } },
    { error: [{ message: 'boom' }] },
    { error: true },
    { errors: ['boom'] },
    { detail: 'boom' },
    { detail: { msg: 'boom' } },
    { detail: [{ msg: 'boom' }] },
    { object: 'error', message: 'boom', code: 400 },
    { type: 'error', error: { type: 'overloaded_error', message: 'boom' } },
    { code: 503, message: 'boom' },
    { status: 'error', message: 'boom' },
    { success: false, message: 'boom' },
    { error_code: 17, error_msg: 'boom' },
    { choices: [{ index: 0, delta: { content: '' }, error: { code: 502, message: 'boom' } }] },
    { error: { code: 502 }, choices: [{ index: 0, delta: {}, finish_reason: 'error' }] },
  ])('ends the answer as upstream_stream_error: %j', (value) => {
    expect(readStream(words + frame(value) + done).end).toBe('upstream_stream_error');
  });
});
