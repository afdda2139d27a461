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

const questionsOf = (file: string) =>
  linesOf(file).map((line) => {
    const [, tool = '', question = ''] = /^(\S+) (.*)$/.exec(line) ?? [];
    return { tool, question };
  });
/** The first file has improved the list of words; the others have not. */
const files = ['questions.txt', 'fresh-questions.txt', 'indirect-questions.txt'] as const;
const questions = Object.fromEntries(files.map((file) => [file, questionsOf(file)])) as Record<
  (typeof files)[number],
  ReturnType<typeof questionsOf>
>;

const offeredMax = 8;
const ranking = createToolRanking(tools, (tool) => tool);
const missesOf = (asked: ReturnType<typeof questionsOf>): string[] =>
  asked
    .filter(
      ({ tool, question }) =>
        !ranking
          .rank(question)
          .slice(0, offeredMax)
          .some(({ name }) => name === tool),
    )
    .map(({ question }) => question);

describe('the tools that are offered', () => {
  test('are chosen among sixty of five servers', () => {
    expect(tools.length).toBeGreaterThanOrEqual(60);
    expect(new Set(tools.map(({ server }) => server)).size).toBe(5);
    expect(questions['fresh-questions.txt'].length).toBeGreaterThanOrEqual(100);
    const names = new Set(tools.map(({ name }) => name));
    const all = Object.values(questions).flat();
    expect(all.filter(({ tool }) => !names.has(tool))).toEqual([]);
    expect(new Set(all.map(({ question }) => question)).size).toBe(all.length);
  });

  test.each(
    (['questions.txt', 'fresh-questions.txt'] as const).flatMap((file) =>
      (['ko', 'en'] as const).map((locale) => ({ file, locale })),
    ),
  )('have the right tool for 95 %% of the questions: $file, $locale', ({ file, locale }) => {
    const own = questions[file].filter(({ question }) => localeOf(question) === locale);
    const missed = missesOf(own);
    expect(missed.length, missed.join('\n')).toBeLessThanOrEqual(own.length * 0.05);
  });

  test('have it for half of the requests that only hint at it', () => {
    const asked = questions['indirect-questions.txt'];
    expect(missesOf(asked).length).toBeLessThanOrEqual(asked.length / 2);
  });

  test('are none for a message that has no word of a tool', () => {
    expect(ranking.rank('안녕')).toEqual([]);
    expect(ranking.rank('thank you')).toEqual([]);
  });
});
