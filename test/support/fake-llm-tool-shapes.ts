/** Tool calls in all the formats of the servers. */
import { chunk, frame } from './fake-llm-replies.ts';
import { completion, done, say, stop, type Shape } from './fake-llm-shape.ts';

const call = (value: object): string => frame(chunk({ tool_calls: [value] }));
const search = { name: 'search', arguments: '{"query":"알파"}' };
const searched: [string, unknown] = ['search', { query: '알파' }];

export const toolCallShapes: readonly Shape[] = [
  {
    name: 'a call in pieces',
    bytes:
      call({ index: 0, id: 'a', type: 'function', function: { name: 'search', arguments: '' } }) +
      call({ index: 0, function: { arguments: '{"query":' } }) +
      call({ index: 0, function: { arguments: '"알파"}' } }) +
      frame(chunk({}, 'tool_calls')) +
      done,
    outcome: { text: '', finish: 'tool_calls', calls: [searched] },
  },
  {
    name: 'a whole call, finish stop',
    bytes: call({ index: 0, id: 'a', function: search }) + stop + done,
    outcome: { text: '', finish: 'tool_calls', calls: [searched] },
  },
  {
    name: 'arguments as an object',
    bytes:
      call({ index: 0, id: 'a', function: { name: 'search', arguments: { query: '알파' } } }) +
      stop +
      done,
    outcome: { text: '', finish: 'tool_calls', calls: [searched] },
  },
  {
    name: 'no index',
    bytes: call({ id: 'a', function: search }) + call({ id: 'b', function: search }) + stop + done,
    outcome: { text: '', finish: 'tool_calls', calls: [searched, searched] },
  },
  {
    name: 'no index and no id',
    bytes: call({ function: search }) + call({ function: search }) + stop + done,
    outcome: { text: '', finish: 'tool_calls', calls: [searched, searched] },
  },
  {
    name: 'no index, pieces after the name',
    bytes:
      call({ id: 'a', function: { name: 'search' } }) +
      call({ function: { arguments: '{"query":' } }) +
      call({ function: { arguments: '"알파"}' } }) +
      stop +
      done,
    outcome: { text: '', finish: 'tool_calls', calls: [searched] },
  },
  {
    name: 'every call numbered 0',
    bytes:
      call({ index: 0, id: 'a', function: search }) +
      call({ index: 0, id: 'b', function: search }) +
      stop +
      done,
    outcome: { text: '', finish: 'tool_calls', calls: [searched, searched] },
  },
  {
    name: 'every call numbered 0, without ids',
    bytes:
      call({ index: 0, function: search }) + call({ index: 0, function: search }) + stop + done,
    outcome: { text: '', finish: 'tool_calls', calls: [searched, searched] },
  },
  {
    name: 'all calls beside the finish_reason',
    bytes:
      frame(
        chunk(
          {
            tool_calls: [
              { index: 0, id: 'a', function: search },
              { index: 1, id: 'b', function: search },
            ],
          },
          'tool_calls',
        ),
      ) + done,
    outcome: { text: '', finish: 'tool_calls', calls: [searched, searched] },
  },
  {
    name: 'no arguments',
    bytes: call({ index: 0, id: 'a', function: { name: 'today' } }) + stop + done,
    outcome: { text: '', finish: 'tool_calls', calls: [['today', {}]] },
  },
  {
    name: 'the old function_call',
    bytes: frame(chunk({ function_call: search })) + frame(chunk({}, 'function_call')) + done,
    outcome: { text: '', finish: 'tool_calls', calls: [searched] },
  },
  {
    name: 'a call in one JSON document',
    bytes: completion(
      { content: null, tool_calls: [{ id: 'a', type: 'function', function: search }] },
      'tool_calls',
    ),
    options: { type: 'application/json' },
    outcome: { text: '', finish: 'tool_calls', calls: [searched] },
  },
  {
    name: 'a call without a name',
    bytes: say('답') + call({ index: 0, id: 'a', function: { arguments: '{}' } }) + stop + done,
    outcome: { text: '답', finish: 'stop', calls: [] },
  },
];
