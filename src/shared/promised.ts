/** A port whose methods answer with promises: the shape of an adapter to a server. */
export type Promised<Port> = {
  [Name in keyof Port]: Port[Name] extends (...args: infer Args) => infer Result
    ? (...args: Args) => Promise<Awaited<Result>>
    : never;
};
