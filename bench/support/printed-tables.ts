/** Reads the tables that the benchmarks print: for a comparison of two commits, and for the list of goals. */

interface PrintedRow {
  title: string;
  /** By column; the first column names the row. */
  cells: { column: string; text: string }[];
}

/** Counts in brackets differ from run to run, and name no figure. */
const plain = (text: string): string => text.replaceAll(/\s*\([^)]*\)/g, '').trim();

const cellsOf = (line: string): string[] =>
  line
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());

const numbersOf = (text: string): number[] =>
  (text.match(/(?<!\S)-?\d+(?:\.\d+)?|\d+(?:\.\d+)?/g) ?? []).map((number) => Number(number));

function readRows(output: string): PrintedRow[] {
  const rows: PrintedRow[] = [];
  let title = '';
  let head: string[] | null = null;
  for (const line of output.split('\n')) {
    if (!line.startsWith('|')) {
      if (line.trim() !== '') title = plain(line);
      head = null;
    } else if (head === null) {
      head = cellsOf(line);
    } else if (!line.startsWith('|--')) {
      const texts = cellsOf(line);
      rows.push({
        title,
        cells: head.map((column, at) => ({ column: plain(column), text: texts[at] ?? '' })),
      });
    }
  }
  return rows;
}

export interface PrintedFigure {
  row: string;
  column: string;
  value: number;
}

/** All numbers, by title, row, column and place in the cell: `1.0 / 5.3` has two. */
export function figuresOf(output: string): Map<string, PrintedFigure> {
  const figures = new Map<string, PrintedFigure>();
  for (const { title, cells } of readRows(output)) {
    const row = plain(cells[0]?.text ?? '');
    for (const { column, text } of cells.slice(1)) {
      if (column === 'goal') continue;
      for (const [at, value] of numbersOf(plain(text)).entries()) {
        figures.set([title, row, column, at].join('|'), { row, column, value });
      }
    }
  }
  return figures;
}

export interface PrintedGoal {
  figure: string;
  measured: string;
  goal: string;
  isMet: boolean;
}

/** A goal, such as `<= 0.3`, is compared with the first number of the last cell before it that is not empty. */
export function goalsOf(output: string): PrintedGoal[] {
  return readRows(output).flatMap(({ cells }) => {
    const goal = cells.find(({ column }) => column === 'goal')?.text ?? '';
    const found = /^(<=|>=)\s*(\d+(?:\.\d+)?)/.exec(goal);
    const measured = cells.findLast(({ column, text }) => column !== 'goal' && text !== '');
    const [value] = numbersOf(measured?.text ?? '');
    if (found === null || measured === undefined || value === undefined) return [];
    const limit = Number(found[2]);
    const isMet = found[1] === '<=' ? value <= limit : value >= limit;
    return [{ figure: cells[0]?.text ?? '', measured: measured.text, goal, isMet }];
  });
}
