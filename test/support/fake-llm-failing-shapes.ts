/** Failing answers: truncated streams, errors, and empty answers. */
import { chunk, frame } from './fake-llm-replies.ts';
import { done, helloFrames, say, stop, type Shape, type ShapeOutcome } from './fake-llm-shape.ts';

const lost: ShapeOutcome = { errorReason: 'truncated' };
const broken: ShapeOutcome = { errorReason: 'upstream_stream_error' };
const bad: ShapeOutcome = { errorReason: 'bad_chunk' };

export const failingShapes: readonly Shape[] = [
  { name: 'an end without a finish_reason', bytes: helloFrames, outcome: lost },
  {
    name: 'an end without a finish_reason, until the connection closes',
    bytes: helloFrames,
    options: { framing: 'close' },
    outcome: lost,
  },
  {
    name: 'an end inside of a frame',
    bytes: helloFrames + 'data: {"choices":[{"ind',
    outcome: lost,
  },
  {
    name: 'an end inside of a document',
    bytes: '{"choices":[{"ind',
    options: { type: 'application/json' },
    outcome: lost,
  },
  { name: 'nothing at all', bytes: '', outcome: lost },
  {
    name: 'an error swallowed: one empty chunk, then the end',
    bytes: helloFrames + frame(chunk({ role: 'assistant', content: '' })),
    outcome: lost,
  },
  {
    name: 'a reset',
    bytes: helloFrames,
    options: { ending: 'reset' },
    outcome: { errorReason: 'connection_lost' },
  },
  {
    name: 'an error as a string',
    bytes: helloFrames + frame({ error: 'CUDA out of memory' }),
    outcome: broken,
  },
  {
    name: 'an error as an object',
    bytes: helloFrames + frame({ error: { message: 'boom', type: 'server_error' } }),
    outcome: broken,
  },
  {
    name: 'an error, then [DONE]',
    bytes: helloFrames + frame({ error: { message: 'boom', code: 500 } }) + done,
    outcome: broken,
  },
  {
    name: 'an error event',
    bytes: helloFrames + 'event: error\ndata: {"message":"boom"}\n\n',
    outcome: broken,
  },
  {
    name: 'an error event that is no JSON',
    bytes: helloFrames + 'event: error\ndata: it broke\n\n',
    outcome: broken,
  },
  { name: 'an error as a bare line', bytes: helloFrames + '{"error":"boom"}\n\n', outcome: broken },
  {
    name: 'an error as a document under status 200',
    bytes: '{"error":{"message":"model not loaded"}}',
    options: { type: 'application/json' },
    outcome: broken,
  },
  {
    name: 'a detail as a document under status 200',
    bytes: '{"detail":"no such model"}',
    options: { type: 'application/json' },
    outcome: broken,
  },
  {
    name: 'the finish_reason abort',
    bytes: helloFrames + frame(chunk({}, 'abort')) + done,
    outcome: broken,
  },
  {
    name: 'broken JSON',
    bytes: helloFrames + 'data: {"choices": [,]}\n\n' + stop + done,
    outcome: bad,
  },
  {
    name: 'a frame that is a number',
    bytes: helloFrames + 'data: 42\n\n' + stop + done,
    outcome: bad,
  },
  {
    name: 'a page for browsers',
    bytes: '<html><body>It works!</body></html>',
    options: { type: 'text/html' },
    outcome: lost,
  },
  { name: 'an empty answer', bytes: stop + done, outcome: { errorReason: 'empty_answer' } },
  {
    name: 'an answer of spaces',
    bytes: say(' \n ') + stop + done,
    outcome: { errorReason: 'empty_answer' },
  },
];
