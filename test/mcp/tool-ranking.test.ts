/** The tools that are offered for a message: 60 tools of five servers, own questions in Korean and English. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { localeOf } from '#machines/texts';
import { createToolRanking, type RankedTool } from '#mcp/tool-ranking';

const linesOf = (file: string): string[] =>
  readFileSync(join(import.meta.dirname, 'cases', file), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

const tools = linesOf('tools.txt').map((line): RankedTool => {
  const [, server = '', name = '', parameters = '', description = ''] =
    /^(\S+) (\S+) \(([^)]*)\) (.*)$/.exec(line) ?? [];
  return { server, name, description, parameters: parameters.split(' '), words: [] };
});

const questions = linesOf('questions.txt').map((line) => {
  const [, tool = '', question = ''] = /^(\S+) (.*)$/.exec(line) ?? [];
  return { tool, question };
});

const offeredMax = 8;
const ranking = createToolRanking(tools, (tool) => tool);
const isOffered = ({ tool, question }: (typeof questions)[number]): boolean =>
  ranking
    .rank(question)
    .slice(0, offeredMax)
    .some(({ name }) => name === tool);

describe('the tools that are offered', () => {
  test('are chosen among sixty of five servers', () => {
    expect(tools.length).toBeGreaterThanOrEqual(60);
    expect(new Set(tools.map(({ server }) => server)).size).toBe(5);
    expect(questions.length).toBeGreaterThanOrEqual(100);
    const names = new Set(tools.map(({ name }) => name));
    expect(questions.filter(({ tool }) => !names.has(tool))).toEqual([]);
  });

  test.each(['ko', 'en'] as const)(
    'have the right tool for 95 %% of the questions: %s',
    (locale) => {
      const own = questions.filter(({ question }) => localeOf(question) === locale);
      const missed = own.filter((one) => !isOffered(one)).map(({ question }) => question);
      expect(missed.length, missed.join('\n')).toBeLessThanOrEqual(own.length * 0.05);
    },
  );

  test('are none for a message that has no word of a tool', () => {
    expect(ranking.rank('안녕')).toEqual([]);
    expect(ranking.rank('thank you')).toEqual([]);
  });
});
