/** Roles of a worker: started with their lease, stopped without it, one call after another. */
import { describe, expect, test } from 'vitest';
import { createRoleUser, type Role } from '#cluster/roles';
import { silentLog } from '#shared/log';

const worker = { id: 'w', machineVersion: 1 };
const leases = (...names: string[]) =>
  new Map(names.map((name) => [name, { epoch: 1, pos: 0, ownerSilentMs: null }]));

function recorder(name: string, calls: string[], slow?: Promise<void>): Role {
  return {
    name,
    async start() {
      await slow;
      calls.push(`start ${name}`);
    },
    async stop() {
      await slow;
      calls.push(`stop ${name}`);
    },
  };
}

describe('the roles of a worker', () => {
  test('are started with their lease and stopped without it', async () => {
    const calls: string[] = [];
    const roles = ['role/a', 'role/b'].map((name) => recorder(name, calls));
    const user = createRoleUser(roles, silentLog());
    await user.gained(leases('role/a', 'role/unknown'), worker);
    await user.handOver(['role/a', 'role/b']);
    expect(calls).toEqual(['start role/a', 'stop role/a']);
  });

  test('are stopped before they are started again', async () => {
    const calls: string[] = [];
    const { promise: slow, resolve } = Promise.withResolvers<void>();
    const user = createRoleUser([recorder('role/a', calls, slow)], silentLog());
    const first = user.gained(leases('role/a'), worker);
    user.lost(['role/a']);
    const again = user.gained(leases('role/a'), worker);
    resolve();
    await Promise.all([first, again]);
    expect(calls).toEqual(['start role/a', 'stop role/a', 'start role/a']);
  });

  test('are started again after a start that failed, as long as the lease is held', async () => {
    const calls: string[] = [];
    const { promise: started, resolve } = Promise.withResolvers<void>();
    const failing: Role = {
      name: 'role/a',
      async start() {
        calls.push('start');
        if (calls.length < 3) throw new Error('no');
        resolve();
      },
      stop: () => void calls.push('stop'),
    };
    const user = createRoleUser([failing], silentLog(), 1);
    await expect(user.gained(leases('role/a'), worker)).rejects.toThrow('no');
    await started;
    await user.handOver(['role/a']);
    expect(calls).toEqual(['start', 'start', 'start', 'stop']);
  });

  test('are not started again after the lease was lost', async () => {
    const calls: string[] = [];
    const failing: Role = {
      name: 'role/a',
      start: () => Promise.reject(new Error(`no ${calls.push('start')}`)),
      stop: () => undefined,
    };
    const user = createRoleUser([failing], silentLog(), 1);
    await expect(user.gained(leases('role/a'), worker)).rejects.toThrow('no');
    await user.handOver(['role/a']);
    // Longer than the delay: a timer of the same length that was set later fires later.
    const { promise: later, resolve } = Promise.withResolvers<void>();
    setTimeout(() => setTimeout(resolve, 1), 1);
    await later;
    expect(calls).toEqual(['start']);
  });

  test('can be stopped after a start that failed', async () => {
    const calls: string[] = [];
    const failing: Role = {
      name: 'role/a',
      start: () => Promise.reject(new Error('no')),
      stop: () => void calls.push('stop'),
    };
    const user = createRoleUser([failing], silentLog());
    await expect(user.gained(leases('role/a'), worker)).rejects.toThrow('no');
    await user.handOver(['role/a']);
    expect(calls).toEqual(['stop']);
  });
});
