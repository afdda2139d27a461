/** A switch for work of a connection: it runs while it is on, once at a time, until its connection ends. */
import { describe, expect, test } from 'vitest';
import { createTaskSwitch } from '#events/connection/task-switch';

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve());
  });

describe('a task switch', () => {
  test('runs the work whenever it is on, and ends with the connection', async () => {
    const task = createTaskSwitch(false);
    const connection = new AbortController();
    let rounds = 0;
    let running = 0;
    const served = task.run(async (on) => {
      rounds += 1;
      running += 1;
      await untilAborted(on);
      running -= 1;
    }, connection.signal);
    await Promise.resolve();
    expect([task.isOn, rounds]).toEqual([false, 0]);
    task.turnOn();
    await new Promise((resolve) => setImmediate(resolve));
    expect([task.isOn, rounds, running]).toEqual([true, 1, 1]);
    await task.turnOff();
    expect([task.isOn, rounds, running]).toEqual([false, 1, 0]);
    task.turnOn();
    await new Promise((resolve) => setImmediate(resolve));
    expect([rounds, running]).toEqual([2, 1]);
    connection.abort();
    await served;
    expect(running).toBe(0);
  });

  test('ends also while it is off', async () => {
    const task = createTaskSwitch(false);
    const connection = new AbortController();
    const served = task.run(() => Promise.reject(new Error('never')), connection.signal);
    connection.abort();
    await served;
  });
});
