import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  treeCountWhere,
  treeFirst,
  treeValues,
  treeInsert,
  treeFindLast,
  treeRemove,
  treeSize,
} from '#machines/persistent-sorted-tree';
import type { SortedTree } from '#machines/persistent-sorted-tree';

const order = (a: number, b: number): number => a - b;

const depthOf = (tree: SortedTree<number>): number =>
  tree === null ? 0 : 1 + Math.max(depthOf(tree.left), depthOf(tree.right));

const change = fc.record({ add: fc.boolean(), value: fc.nat(60) });

test('the sorted tree has the same values and query results as a sorted list, and stays balanced', () => {
  fc.assert(
    fc.property(fc.array(change, { maxLength: 200, size: 'max' }), fc.nat(60), (changes, limit) => {
      let tree: SortedTree<number> = null;
      const list = new Set<number>();
      for (const { add, value } of changes) {
        tree = add ? treeInsert(tree, value, order) : treeRemove(tree, value, order);
        if (add) list.add(value);
        else list.delete(value);
      }
      const sorted = [...list].sort(order);
      const below = sorted.filter((value) => value < limit);
      expect([...treeValues(tree)]).toEqual(sorted);
      expect(treeSize(tree)).toBe(sorted.length);
      expect(treeFirst(tree)).toBe(sorted[0]);
      expect(treeCountWhere(tree, (value) => value < limit)).toBe(below.length);
      expect(treeFindLast(tree, (value) => value < limit)).toBe(below.at(-1));
      expect(depthOf(tree)).toBeLessThanOrEqual(2.5 * Math.log2(sorted.length + 1) + 1);
    }),
    { numRuns: 1_000 },
  );
});

test('an insert or a removal does not change the original tree', () => {
  const values = Array.from({ length: 100 }, (_, index) => index);
  let tree: SortedTree<number> = null;
  for (const value of values) tree = treeInsert(tree, value, order);
  const changed = treeRemove(treeInsert(tree, 50.5, order), 20, order);
  expect([...treeValues(tree)]).toEqual(values);
  expect(treeSize(changed)).toBe(100);
});

test('the removal of an absent value returns the same tree', () => {
  const tree = treeInsert(treeInsert(null, 1, order), 2, order);
  expect(treeRemove(tree, 3, order)).toBe(tree);
});

test('the sorted tree stays shallow when 10 000 values are inserted in order and removed from the front', () => {
  let tree: SortedTree<number> = null;
  for (let value = 0; value < 10_000; value += 1) tree = treeInsert(tree, value, order);
  expect(depthOf(tree)).toBeLessThan(30);
  for (let value = 0; value < 9_000; value += 1) tree = treeRemove(tree, value, order);
  expect(treeSize(tree)).toBe(1_000);
  expect(depthOf(tree)).toBeLessThan(25);
});
