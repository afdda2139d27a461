import { describe, expect, test } from 'vitest';
import { chunk, usageChunk } from '#test/support/fake-llm-replies';
import { completion } from '#test/support/fake-llm-shape';
import { readStream } from '#test/support/read-stream';

const text = '안녕하세요 👋🏽';
const values = [
  chunk({ role: 'assistant', content: '' }),
  chunk({ content: '안녕' }),
  chunk({ content: '하세요 ' }),
  chunk({ content: '👋🏽' }),
  chunk({}, 'stop'),
  usageChunk(3, 4),
];
const lines = values.map((value) => JSON.stringify(value));
const events = lines.map((line) => `data: ${line}`);
const stream = [...events, 'data: [DONE]'];

/** One answer in different framings. */
const forms: [title: string, body: string][] = [
  ['a blank line between the events', stream.join('\n\n') + '\n\n'],
  ['one newline between the events', stream.join('\n') + '\n'],
  ['one CRLF between the events', stream.join('\r\n')],
  ['one CR between the events', stream.join('\r')],
  ['CR CR between the events', stream.join('\r\r')],
  ['LF and CRLF in turns', stream.map((line, at) => line + (at % 2 ? '\n' : '\r\n')).join('')],
  ['three blank lines between the events', stream.join('\n\n\n\n')],
  ['a byte order mark before one newline', `\uFEFF${stream.join('\n')}`],
  ['comments on the lines between', stream.join('\n: ping\n')],
  ['an id before each event', stream.map((line, at) => `id: ${at}\n${line}`).join('\n')],
  [
    'event and retry before each event',
    stream.map((line) => `event: message\nretry: 5\n${line}`).join('\n'),
  ],
  ['event behind the data', stream.map((line) => `${line}\nevent: chunk`).join('\n\n')],
  ['no space behind data:', stream.join('\n').replaceAll('data: ', 'data:')],
  ['space before data:', stream.map((line) => `  ${line}`).join('\n\n')],
  ['Data: in capitals', stream.join('\n\n').replaceAll('data:', 'Data:')],
  ['data: twice', stream.join('\n\n').replaceAll('data:', 'data: data:')],
  ['events without any newline', stream.join('')],
  ['newlines written as \\n', stream.join('\\n\\n')],
  ['JSON lines', lines.join('\n') + '\n'],
  ['JSON lines with CRLF and [DONE]', [...lines, '[DONE]'].join('\r\n')],
  ['JSON lines with blank lines', lines.join('\n\n')],
  ['JSON lines behind a comment', `: ok\n${lines.join('\n')}`],
  ['JSON lines among events', stream.map((line, at) => (at % 2 ? line : line.slice(6))).join('\n')],
  ['objects without anything between them', lines.join('')],
  ['an array on one line', `[${lines.join(',')}]`],
  ['an array with a line for each element', `[\n${lines.join(',\n')}\n]\n`],
  ['an array with the commas in front', `[${lines.join('\n,')}\n]`],
  ['an array that was printed', JSON.stringify(values, null, 2)],
  [
    'a document that was printed',
    JSON.stringify(JSON.parse(completion({ content: text }, 'stop')), null, 2),
  ],
  [
    'data over several lines',
    values.map((value) => JSON.stringify(value, null, 1).replaceAll(/^/gm, 'data: ')).join('\n\n'),
  ],
];

const cut = (bytes: Uint8Array, size: number): Uint8Array[] =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
    bytes.subarray(at * size, (at + 1) * size),
  );

describe('the decoder of a stream', () => {
  test.each(forms)('reads the answer whole with this framing: %s', (_title, body) => {
    expect(readStream(body)).toMatchObject({ end: 'ok', text, finish: 'stop' });
  });

  test.each(forms)(
    'reads the same answer for any cut of the bytes with this framing: %s',
    (_title, body) => {
      const bytes = new TextEncoder().encode(body);
      const { pieces: _, ...whole } = readStream(body);
      for (const size of [1, 2, 3, 7, 61]) {
        const { pieces: _pieces, ...parts } = readStream(cut(bytes, size));
        expect(parts).toEqual(whole);
      }
    },
  );
});

test('a frame is read at the end of its line, before the next frame arrives', () => {
  const { pieces } = readStream(
    ['data: {"choices":[{"delta":{"content":"안녕"}}]}\n'].map((line) =>
      new TextEncoder().encode(line),
    ),
  );
  expect(pieces).toEqual(['안녕']);
});

describe('a stream with something that is no frame', () => {
  test.each([
    ['an end inside of a line', `${stream[1]}\ndata: {"choices":[{"ind`, 'truncated'],
    ['an end inside of an array', `[${lines.slice(0, 3).join(',\n')},\n{"choi`, 'truncated'],
    [
      'a line that is broken among whole ones',
      `${stream[1]}\ndata: {"choices": [,]}\n${stream[4]}\n`,
      'bad_chunk',
    ],
    ['a log line in brackets', `[info] started\n${stream.join('\n')}`, 'ok'],
    ['words in place of an answer', 'Internal Server Error', 'truncated'],
  ])('ends as its case says: %s', (_title, body, end) => {
    expect(readStream(body).end).toBe(end);
  });

  test('is given up as answer_too_long if it never ends', () => {
    const body = new TextEncoder().encode('x'.repeat(1_000_000));
    expect(readStream([body, body, body, body, body]).end).toBe('answer_too_long');
  });
});
