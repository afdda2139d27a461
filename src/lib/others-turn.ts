/** Resolves in the next turn of the event loop: long work lets requests, timers and sockets go first. */
export const othersTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
