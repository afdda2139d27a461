/** `; did you mean X?` for the word of `words` that differs in the fewest letters, two at most; else nothing. */
export function suggestion(word: string, words: readonly string[]): string {
  const most = Math.min(2, Math.ceil(word.length / 3));
  const [best] = words
    .map((candidate) => ({ candidate, distance: editDistance(word, candidate) }))
    .filter(({ distance }) => distance <= most)
    .sort((a, b) => a.distance - b.distance);
  return best === undefined ? '' : `; did you mean ${best.candidate}?`;
}

/** Letters that are inserted, left out, replaced, or swapped with their neighbour. */
function editDistance(from: string, to: string): number {
  let [before, row]: number[][] = [[], Array.from({ length: to.length + 1 }, (_, at) => at)];
  for (let i = 1; i <= from.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= to.length; j += 1) {
      const replaced = row![j - 1]! + (from[i - 1] === to[j - 1] ? 0 : 1);
      const isSwap = from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1];
      const swapped = isSwap && i > 1 ? before![j - 2]! + 1 : Infinity;
      next.push(Math.min(replaced, row![j]! + 1, next[j - 1]! + 1, swapped));
    }
    [before, row] = [row, next];
  }
  return row!.at(-1)!;
}
