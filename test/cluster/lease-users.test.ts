/** The dispatch of leases to their users: each gets its own leases, and an error of one does not stop the others. */
import { describe, expect, test } from 'vitest';
import type { LeaseUser } from '#cluster/cluster-member';
import { createLeaseUsers } from '#cluster/lease-users';

const worker = { id: 'w', machineVersion: 1 };
const lease = { epoch: 1, pos: 0, ownerSilentMs: null };

function recorder(): { user: LeaseUser; calls: string[] } {
  const calls: string[] = [];
  return {
    calls,
    user: {
      gained: (leases) => void calls.push(`gained ${[...leases.keys()].join()}`),
      lost: (names) => void calls.push(`lost ${names.join()}`),
      handOver: async (names) => void calls.push(`handOver ${names.join()}`),
    },
  };
}

describe('the users of the leases', () => {
  test('are called with the leases of their prefix only', async () => {
    const users = createLeaseUsers();
    const [part, gate] = [recorder(), recorder()];
    users.add('part/', part.user);
    users.add('gate/', gate.user);
    await users.gained(
      new Map(['part/1', 'gate/big', 'part/2'].map((name) => [name, lease])),
      worker,
    );
    users.lost(['part/1']);
    await users.handOver(['gate/big', 'part/2']);
    expect(part.calls).toEqual(['gained part/1,part/2', 'lost part/1', 'handOver part/2']);
    expect(gate.calls).toEqual(['gained gate/big', 'handOver gate/big']);
  });

  test('are all called when one of them fails, and the error is passed on', async () => {
    const users = createLeaseUsers();
    const gate = recorder();
    users.add('part/', {
      ...gate.user,
      gained: () => Promise.reject(new Error('no')),
      handOver: () => Promise.reject(new Error('no')),
    });
    users.add('gate/', gate.user);
    const leases = new Map([
      ['part/1', lease],
      ['gate/big', lease],
    ]);
    await expect(users.gained(leases, worker)).rejects.toThrow('no');
    await expect(users.handOver([...leases.keys()])).rejects.toThrow('no');
    expect(gate.calls).toEqual(['gained gate/big', 'handOver gate/big']);
  });
});
