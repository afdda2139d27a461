/**
 * Unusual response formats of real servers, byte by byte, with the expected result. Collected from the sources of
 * mlx-lm, mlx-vlm, Ollama, llama.cpp, vLLM and from reports about LM Studio and proxies.
 */
import { chunk, frame, usageChunk } from './fake-llm-replies.ts';
import { completion, done, hello, helloFrames, say, stop, type Shape } from './fake-llm-shape.ts';

/** Unusual but complete answers. */
export const wholeShapes: readonly Shape[] = [
  {
    name: 'as OpenAI sends it',
    bytes: helloFrames + stop + frame(usageChunk(3, 4)) + done,
    outcome: hello,
  },
  {
    name: 'CRLF line ends',
    bytes: (helloFrames + stop + done).replaceAll('\n', '\r\n'),
    outcome: hello,
  },
  {
    name: 'comments between the frames',
    bytes: `: keepalive 1/8\n\n${say('안녕하세요 ')}: ping\n${say('👋🏽')}${stop}${done}`,
    outcome: hello,
  },
  {
    name: 'no space after data:',
    bytes: (helloFrames + stop + done).replaceAll('data: ', 'data:'),
    outcome: hello,
  },
  { name: 'no blank line at the end', bytes: (helloFrames + stop).trimEnd(), outcome: hello },
  { name: 'no [DONE]', bytes: helloFrames + stop, outcome: hello },
  { name: '[DONE] without a finish_reason', bytes: helloFrames + done, outcome: hello },
  {
    name: 'nothing but LF in the last line',
    bytes: helloFrames + stop.slice(0, -1),
    outcome: hello,
  },
  {
    name: 'a role in every chunk',
    bytes:
      frame(chunk({ role: 'assistant', content: '안녕하세요 ' })) +
      frame(chunk({ role: 'assistant', content: '👋🏽' })) +
      frame(chunk({ role: 'assistant' }, 'stop')) +
      done,
    outcome: hello,
  },
  {
    name: 'a role chunk with null content',
    bytes: frame(chunk({ role: 'assistant', content: null })) + helloFrames + stop + done,
    outcome: hello,
  },
  {
    name: 'null in every unused field',
    bytes:
      frame(
        chunk({
          role: 'assistant',
          content: '안녕하세요 👋🏽',
          reasoning: null,
          tool_calls: null,
          function_call: null,
        }),
      ) +
      frame({ ...chunk({ content: null }, 'stop'), usage: null, error: null }) +
      done,
    outcome: hello,
  },
  {
    name: 'choices: null with the usage',
    bytes:
      helloFrames +
      stop +
      frame({ choices: null, usage: { prompt_tokens: 1, completion_tokens: 2 } }) +
      done,
    outcome: hello,
  },
  {
    name: 'a frame without choices',
    bytes: frame({ type: 'progress', value: 0.5 }) + helloFrames + stop + done,
    outcome: hello,
  },
  {
    name: 'delta: null beside the finish_reason',
    bytes:
      helloFrames + frame({ choices: [{ index: 0, delta: null, finish_reason: 'stop' }] }) + done,
    outcome: hello,
  },
  {
    name: 'the finish_reason in the last content chunk',
    bytes: frame(chunk({ content: '안녕하세요 👋🏽' }, 'stop')) + done,
    outcome: hello,
  },
  {
    name: 'an empty data line',
    bytes: `data:\n\n${helloFrames}data: \n\n${stop}${done}`,
    outcome: hello,
  },
  {
    name: 'usage before the finish',
    bytes: helloFrames + frame(usageChunk(3, 4)) + stop + done,
    outcome: hello,
  },
  {
    name: 'content as a list of parts',
    bytes:
      frame(
        chunk({
          content: [
            { type: 'text', text: '안녕하세요 ' },
            { type: 'text', text: '👋🏽' },
          ],
        }),
      ) +
      stop +
      done,
    outcome: hello,
  },
  {
    name: 'the text in place of a delta',
    bytes:
      frame({ choices: [{ index: 0, text: '안녕하세요 👋🏽', finish_reason: null }] }) + stop + done,
    outcome: hello,
  },
  {
    name: 'one byte at a time',
    bytes: helloFrames + stop + done,
    options: { split: 'bytes' },
    outcome: hello,
  },
  {
    name: 'one byte at a time, until the connection closes',
    bytes: helloFrames + stop,
    options: { split: 'bytes', framing: 'close' },
    outcome: hello,
  },
  {
    name: 'an emoji split over two frames',
    bytes:
      say('안녕하세요 ') +
      `data: {"choices":[{"index":0,"delta":{"content":"\\ud83d"}}]}\n\n` +
      `data: {"choices":[{"index":0,"delta":{"content":"\\udc4b\\ud83c\\udffd"}}]}\n\n` +
      stop +
      done,
    outcome: hello,
  },
  { name: 'a byte order mark', bytes: `\uFEFF${helloFrames}${stop}${done}`, outcome: hello },
  {
    name: 'named events',
    bytes: helloFrames.replaceAll('data:', 'event: chunk\ndata:') + stop + done,
    outcome: hello,
  },
  {
    name: 'a reset after the finish_reason',
    bytes: helloFrames + stop,
    options: { ending: 'reset' },
    outcome: hello,
  },
  {
    name: 'an error after the finish_reason',
    bytes: helloFrames + stop + frame({ error: 'late' }),
    outcome: hello,
  },
  {
    name: 'words after the finish_reason',
    bytes: helloFrames + stop + say('!') + frame(chunk({}, 'length')) + done,
    outcome: hello,
  },
  {
    name: 'the limit of tokens',
    bytes: say('안녕') + frame(chunk({}, 'length')) + done,
    outcome: { text: '안녕', finish: 'length' },
  },
  {
    name: 'an unknown finish_reason',
    bytes: say('안녕') + frame(chunk({}, 'eos_token')) + done,
    outcome: { text: '안녕', finish: 'stop' },
  },
  {
    name: 'one JSON document in place of events',
    bytes: completion({ role: 'assistant', content: '안녕하세요 👋🏽' }, 'stop'),
    options: { type: 'application/json' },
    outcome: hello,
  },
  {
    name: 'one JSON document under the wrong type',
    bytes: `\n ${completion({ content: '안녕하세요 👋🏽' }, 'stop')}\n`,
    outcome: hello,
  },
  {
    name: 'events under the wrong type',
    bytes: helloFrames + stop + done,
    options: { type: 'text/plain' },
    outcome: hello,
  },
];

/** Thinking, in its own fields and in tags. */
export const thinkingShapes: readonly Shape[] = [
  {
    name: 'thinking in reasoning_content',
    bytes: frame(chunk({ reasoning_content: '음' })) + say('답') + stop + done,
    outcome: { text: '답' },
  },
  {
    name: 'thinking in reasoning and reasoning_content',
    bytes: frame(chunk({ reasoning: '음', reasoning_content: '음' })) + say('답') + stop + done,
    outcome: { text: '답' },
  },
  {
    name: 'thinking in tags, cut across frames',
    bytes: say('<th') + say('ink>음') + say('</thi') + say('nk>\n\n답') + stop + done,
    outcome: { text: '답' },
  },
  {
    name: 'a close without an opening',
    bytes: say('음 ') + say('</think>') + say('답') + stop + done,
    outcome: { text: '답' },
  },
  {
    name: 'thinking that never ends',
    bytes: say('<think>음') + frame(chunk({}, 'length')) + done,
    outcome: { errorReason: 'unclosed_thinking' },
  },
  {
    name: 'thinking in its field and nothing else',
    bytes: frame(chunk({ reasoning_content: '음' })) + stop + done,
    outcome: { errorReason: 'unclosed_thinking' },
  },
];
