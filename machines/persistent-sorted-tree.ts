/**
 * A persistent (immutable) sorted tree: `treeInsert` and `treeRemove` return a new tree that shares all nodes with the
 * old tree except the changed path. So a snapshot of a gate with thousands of waiters costs one pointer, replaying its
 * events gives an equal value, and the position of a waiter is counted in O(log n).
 *
 * Weight-balanced (Hirai and Yamamoto, "Balancing weight-balanced trees", 2011, with their proven pair 3, 2). No
 * randomness. Every operation but `treeValues` is O(log n).
 *
 * T1 Values are unique under the tree's comparator.
 * T2 `size` counts the node and all nodes below it.
 */

export interface SortedTreeNode<T> {
  readonly value: T;
  readonly left: SortedTree<T>;
  readonly right: SortedTree<T>;
  readonly size: number;
}
export type SortedTree<T> = SortedTreeNode<T> | null;

/** Negative when `a` comes first. All calls on one tree must use the same order. */
export type Comparator<T> = (a: T, b: T) => number;

/** Maximum weight ratio of the two sides: below 3, removal can fail to restore the balance. */
const balanceFactor = 3;
/** From this ratio of the inner to the outer grandchild on, a double rotation is needed. */
const rotationRatio = 2;

export const treeSize = <T>(tree: SortedTree<T>): number => (tree === null ? 0 : tree.size);

const weightOf = <T>(tree: SortedTree<T>): number => treeSize(tree) + 1;

const node = <T>(left: SortedTree<T>, value: T, right: SortedTree<T>): SortedTreeNode<T> => ({
  value,
  left,
  right,
  size: treeSize(left) + treeSize(right) + 1,
});

function rotateLeft<T>(left: SortedTree<T>, value: T, right: SortedTreeNode<T>): SortedTreeNode<T> {
  const inner = right.left;
  if (inner === null || weightOf(inner) < rotationRatio * weightOf(right.right)) {
    return node(node(left, value, inner), right.value, right.right);
  }
  return node(
    node(left, value, inner.left),
    inner.value,
    node(inner.right, right.value, right.right),
  );
}

function rotateRight<T>(
  left: SortedTreeNode<T>,
  value: T,
  right: SortedTree<T>,
): SortedTreeNode<T> {
  const inner = left.right;
  if (inner === null || weightOf(inner) < rotationRatio * weightOf(left.left)) {
    return node(left.left, left.value, node(inner, value, right));
  }
  return node(
    node(left.left, left.value, inner.left),
    inner.value,
    node(inner.right, value, right),
  );
}

function rebalance<T>(left: SortedTree<T>, value: T, right: SortedTree<T>): SortedTreeNode<T> {
  if (right !== null && weightOf(right) > balanceFactor * weightOf(left)) {
    return rotateLeft(left, value, right);
  }
  if (left !== null && weightOf(left) > balanceFactor * weightOf(right)) {
    return rotateRight(left, value, right);
  }
  return node(left, value, right);
}

/** The tree with `value` added; a value that compares equal is replaced. */
export function treeInsert<T>(
  tree: SortedTree<T>,
  value: T,
  order: Comparator<T>,
): SortedTreeNode<T> {
  if (tree === null) return node(null, value, null);
  const side = order(value, tree.value);
  if (side === 0) return node(tree.left, value, tree.right);
  return side < 0
    ? rebalance(treeInsert(tree.left, value, order), tree.value, tree.right)
    : rebalance(tree.left, tree.value, treeInsert(tree.right, value, order));
}

/** The tree without `value`; the same object when it did not contain it. */
export function treeRemove<T>(tree: SortedTree<T>, value: T, order: Comparator<T>): SortedTree<T> {
  if (tree === null) return null;
  const side = order(value, tree.value);
  if (side < 0) {
    const left = treeRemove(tree.left, value, order);
    return left === tree.left ? tree : rebalance(left, tree.value, tree.right);
  }
  if (side > 0) {
    const right = treeRemove(tree.right, value, order);
    return right === tree.right ? tree : rebalance(tree.left, tree.value, right);
  }
  if (tree.right === null) return tree.left;
  return rebalance(tree.left, leftmost(tree.right).value, withoutFirst(tree.right));
}

function leftmost<T>(tree: SortedTreeNode<T>): SortedTreeNode<T> {
  let at = tree;
  while (at.left !== null) at = at.left;
  return at;
}

function withoutFirst<T>(tree: SortedTreeNode<T>): SortedTree<T> {
  return tree.left === null
    ? tree.right
    : rebalance(withoutFirst(tree.left), tree.value, tree.right);
}

/** The value that comes first. */
export const treeFirst = <T>(tree: SortedTree<T>): T | undefined =>
  tree === null ? undefined : leftmost(tree).value;

/**
 * The last value for which `isBefore` holds. `isBefore` must hold for a prefix of the order and for nothing after it.
 */
export function treeFindLast<T>(
  tree: SortedTree<T>,
  isBefore: (value: T) => boolean,
): T | undefined {
  let found: T | undefined;
  for (let at = tree; at !== null;) {
    if (isBefore(at.value)) {
      found = at.value;
      at = at.right;
    } else {
      at = at.left;
    }
  }
  return found;
}

/** How many values `isBefore` holds for, under the same condition as in `treeFindLast`. */
export function treeCountWhere<T>(tree: SortedTree<T>, isBefore: (value: T) => boolean): number {
  let count = 0;
  for (let at = tree; at !== null;) {
    if (isBefore(at.value)) {
      count += treeSize(at.left) + 1;
      at = at.right;
    } else {
      at = at.left;
    }
  }
  return count;
}

/** All values from the first to the last. The first few cost O(log n), all of them O(n). */
export function* treeValues<T>(tree: SortedTree<T>): Generator<T, undefined> {
  const path: SortedTreeNode<T>[] = [];
  for (let at = tree; at !== null || path.length > 0;) {
    if (at !== null) {
      path.push(at);
      at = at.left;
      continue;
    }
    const next = path.pop();
    if (next === undefined) return;
    yield next.value;
    at = next.right;
  }
}
