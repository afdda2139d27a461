/** Runs the tasks of one key one after another, in order of arrival; tasks of different keys run side by side. */
export type SerialQueue = <Value>(key: string, task: () => Promise<Value>) => Promise<Value>;

/** A task must not wait for another task of its own key. The first task of a key starts at once. */
export function createSerialQueue(): SerialQueue {
  const last = new Map<string, Promise<unknown>>();
  return (key, task) => {
    const before = last.get(key);
    const running = before === undefined ? task() : before.then(task, task);
    last.set(key, running);
    const forget = (): void => {
      if (last.get(key) === running) last.delete(key);
    };
    running.then(forget, forget);
    return running;
  };
}
