/**
 * A sorted collection that never changes: `insert` and `remove` return a new tree and share with the old one
 * all but the path to the changed place. So a snapshot of a gate with thousands of waiters costs a pointer,
 * replaying its events gives an equal value, and the place of a waiter is counted, not searched.
 *
 * Weight-balanced (Hirai and Yamamoto, "Balancing weight-balanced trees", 2011, with their proven pair 3, 2).
 * No randomness. Every operation but `inOrder` is O(log n).
 *
 * T1 values are unique under the order they are kept in · T2 `size` counts the node and all below it
 */

export interface TreeNode<T> {
  readonly value: T;
  readonly left: Tree<T>;
  readonly right: Tree<T>;
  readonly size: number;
}
export type Tree<T> = TreeNode<T> | null;

/** Negative when `a` comes first. Must be the same order in every call on one tree. */
export type Order<T> = (a: T, b: T) => number;

/** A side may outweigh the other by this factor: below 3 removal can fail to restore balance. */
const delta = 3;
/** From this ratio of the inner to the outer grandchild on, one rotation is not enough. */
const gamma = 2;

export const sizeOf = <T>(tree: Tree<T>): number => (tree === null ? 0 : tree.size);

const weightOf = <T>(tree: Tree<T>): number => sizeOf(tree) + 1;

const node = <T>(left: Tree<T>, value: T, right: Tree<T>): TreeNode<T> => ({
  value,
  left,
  right,
  size: sizeOf(left) + sizeOf(right) + 1,
});

function liftRight<T>(left: Tree<T>, value: T, right: TreeNode<T>): TreeNode<T> {
  const inner = right.left;
  if (inner === null || weightOf(inner) < gamma * weightOf(right.right)) {
    return node(node(left, value, inner), right.value, right.right);
  }
  return node(
    node(left, value, inner.left),
    inner.value,
    node(inner.right, right.value, right.right),
  );
}

function liftLeft<T>(left: TreeNode<T>, value: T, right: Tree<T>): TreeNode<T> {
  const inner = left.right;
  if (inner === null || weightOf(inner) < gamma * weightOf(left.left)) {
    return node(left.left, left.value, node(inner, value, right));
  }
  return node(
    node(left.left, left.value, inner.left),
    inner.value,
    node(inner.right, value, right),
  );
}

function balanced<T>(left: Tree<T>, value: T, right: Tree<T>): TreeNode<T> {
  if (right !== null && weightOf(right) > delta * weightOf(left)) {
    return liftRight(left, value, right);
  }
  if (left !== null && weightOf(left) > delta * weightOf(right)) {
    return liftLeft(left, value, right);
  }
  return node(left, value, right);
}

/** The tree with `value` in it; one that compares equal is replaced. */
export function insert<T>(tree: Tree<T>, value: T, order: Order<T>): TreeNode<T> {
  if (tree === null) return node(null, value, null);
  const side = order(value, tree.value);
  if (side === 0) return node(tree.left, value, tree.right);
  return side < 0
    ? balanced(insert(tree.left, value, order), tree.value, tree.right)
    : balanced(tree.left, tree.value, insert(tree.right, value, order));
}

/** The tree without `value`; the same tree when it was not in it. */
export function remove<T>(tree: Tree<T>, value: T, order: Order<T>): Tree<T> {
  if (tree === null) return null;
  const side = order(value, tree.value);
  if (side < 0) {
    const left = remove(tree.left, value, order);
    return left === tree.left ? tree : balanced(left, tree.value, tree.right);
  }
  if (side > 0) {
    const right = remove(tree.right, value, order);
    return right === tree.right ? tree : balanced(tree.left, tree.value, right);
  }
  if (tree.right === null) return tree.left;
  return balanced(tree.left, leftmost(tree.right).value, withoutFirst(tree.right));
}

function leftmost<T>(tree: TreeNode<T>): TreeNode<T> {
  let at = tree;
  while (at.left !== null) at = at.left;
  return at;
}

function withoutFirst<T>(tree: TreeNode<T>): Tree<T> {
  return tree.left === null
    ? tree.right
    : balanced(withoutFirst(tree.left), tree.value, tree.right);
}

/** The value that comes first. */
export const first = <T>(tree: Tree<T>): T | undefined =>
  tree === null ? undefined : leftmost(tree).value;

/**
 * The last value for which `isBefore` holds. It must hold for a prefix of the order and for nothing after it.
 */
export function lastWhere<T>(tree: Tree<T>, isBefore: (value: T) => boolean): T | undefined {
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

/** How many values `isBefore` holds for, under the same condition as `lastWhere`. */
export function countWhere<T>(tree: Tree<T>, isBefore: (value: T) => boolean): number {
  let count = 0;
  for (let at = tree; at !== null;) {
    if (isBefore(at.value)) {
      count += sizeOf(at.left) + 1;
      at = at.right;
    } else {
      at = at.left;
    }
  }
  return count;
}

/** All values from the first to the last. The first few cost O(log n), all of them O(n). */
export function* inOrder<T>(tree: Tree<T>): Generator<T, undefined> {
  const path: TreeNode<T>[] = [];
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
