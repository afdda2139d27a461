/** The user and the time in the tests of tools: Wednesday 18 November 2026, 09:00 in Seoul. */
import type { ToolContext } from '#shared/tool-context';

export const contextOf = (changes: Partial<ToolContext> = {}): ToolContext => ({
  userId: 'minji',
  locale: 'ko',
  now: '2026-11-18T09:00:00+09:00',
  timeZone: 'Asia/Seoul',
  signal: new AbortController().signal,
  key: 'job-1:execute:1',
  ...changes,
});
