/** The list of goals and the comparison of commits read what the benchmarks print. */
import { describe, expect, test, vi } from 'vitest';
import { printTable } from '../../bench/support/measure.ts';
import { figuresOf, goalsOf } from '../../bench/support/printed-tables.ts';

function printed(...table: Parameters<typeof printTable>): string {
  const lines: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
  printTable(...table);
  log.mockRestore();
  return lines.join('\n');
}

const head = ['figure', 'direct, ms', 'added, ms', 'goal'];

describe('a printed table', () => {
  test('gives its figures by title, row, column and place, without counts in brackets', () => {
    const output = printed('Delays (fsync 0.2 ms)', head, [
      ['commit (12 rows)', '1.0 / 5.3', '', '<= 2'],
    ]);
    expect([...figuresOf(output)]).toEqual([
      ['Delays|commit|direct, ms|0', { row: 'commit', column: 'direct, ms', value: 1 }],
      ['Delays|commit|direct, ms|1', { row: 'commit', column: 'direct, ms', value: 5.3 }],
    ]);
  });

  test('gives its goals, met or not, by the last figure of the row', () => {
    const output = printed('Delays', head, [
      ['met', 9, '0.2', '<= 0.3'],
      ['missed', 1, '1.95 x / 3 x', '<= 1.4 x'],
      ['below', 1, '0.6 x', '>= 0.85 x'],
      ['negative', 1, '-0.01 KiB', '<= 0.1 KiB'],
      ['first column', 10.5, '', '<= 100'],
      ['no goal', 1, 2, ''],
    ]);
    expect(goalsOf(output).map(({ figure, isMet }) => [figure, isMet])).toEqual([
      ['met', true],
      ['missed', false],
      ['below', false],
      ['negative', true],
      ['first column', true],
    ]);
  });
});
