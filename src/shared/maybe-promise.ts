/** Values that are there at once, or later: a store in this process answers in the same tick, a store on a server later. */

export type MaybePromise<Value> = Value | Promise<Value>;

/** A port whose calls may answer later, as implemented by an adapter that always answers in the same tick. */
export type SameTick<Port> = {
  [Name in keyof Port]: Port[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Awaited<Result>
    : Port[Name];
};

/** The same of an adapter to a server, which always answers later, except for calls that never do. */
export type Promised<Port> = {
  [Name in keyof Port]: Port[Name] extends (...args: infer Args) => infer Result
    ? (
        ...args: Args
      ) => [Extract<Result, Promise<unknown>>] extends [never] ? Result : Promise<Awaited<Result>>
    : never;
};

const rethrow = (error: unknown): never => {
  throw error;
};

/**
 * Runs `work`, then one of the two continuations: in the same tick if `work` returns a value or throws, later if it
 * returns a promise. An error of a continuation is not caught. Without `onError`
 * an error of `work` goes on to the caller.
 */
export function settle<Value, Result, Rest = Result>(
  work: () => MaybePromise<Value>,
  onValue: (value: Value) => MaybePromise<Result>,
  onError: (error: unknown) => MaybePromise<Rest> = rethrow,
): MaybePromise<Result | Rest> {
  let value: MaybePromise<Value>;
  try {
    value = work();
  } catch (error) {
    return onError(error);
  }
  return value instanceof Promise ? value.then(onValue, onError) : onValue(value);
}
