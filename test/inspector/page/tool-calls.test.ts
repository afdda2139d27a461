/** The calls of tools in the panel of effects. */
import { describe, expect, test } from 'vitest';
import type { ReplayFrame } from '#inspector/page-messages';
import { toolCallsOf } from '#inspector/page/tool-calls';

const frame = (change: object): ReplayFrame =>
  ({ event: { type: 'x' }, started: [], ended: [], ...change }) as unknown as ReplayFrame;

describe('the calls of tools', () => {
  test('have server, tool, input and outcome, for reads and for confirmed writes', () => {
    const calls = [
      { tool: 'mcp:home', operation: 'look', params: { room: 'attic' } },
      { tool: 'mcp:home', operation: 'set', params: {} },
    ];
    const draft = { tool: 'mcp:home', operation: 'set:confirmed', params: { on: true } };
    const way = [
      frame({ started: [{ key: 'a', id: 'tools', src: 'runTools', input: { calls } }] }),
      frame({
        event: {
          type: 'xstate.done.actor.tools',
          output: { results: [{ ok: true }, { ok: false, error: { code: 'GH_TOOL_INPUT' } }] },
        },
        ended: ['a'],
        started: [{ key: 'b', id: 'execute', src: 'execute', input: { draft } }],
      }),
    ];
    expect(toolCallsOf(way)).toEqual([
      { key: 'a', server: 'home', tool: 'look', params: { room: 'attic' }, outcome: 'answered' },
      { key: 'a', server: 'home', tool: 'set', params: {}, outcome: 'GH_TOOL_INPUT' },
      { key: 'b', server: 'home', tool: 'set', params: { on: true }, outcome: 'runs' },
    ]);
    const result = { ok: false, error: { code: 'GH_TOOL_UNCERTAIN' } };
    const end = frame({
      event: { type: 'xstate.done.actor.execute', output: result },
      ended: ['b'],
    });
    expect(toolCallsOf([...way, end]).at(-1)?.outcome).toBe('GH_TOOL_UNCERTAIN');
  });

  test('name the event that ended an effect without a result', () => {
    const calls = [{ tool: 'email', operation: 'search', params: {} }];
    const way = [
      frame({ started: [{ key: 'a', id: 'tools', src: 'runTools', input: { calls } }] }),
      frame({ event: { type: 'cancel' }, ended: ['a'] }),
    ];
    expect(toolCallsOf(way)[0]).toMatchObject({ server: 'email', outcome: 'cancel' });
  });
});
