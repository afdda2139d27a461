/**
 * The gates of all model servers at one worker of a cluster. The worker that holds the lease `gate/BACKEND` is the arbiter
 * of that gate.
 */
import { createIdSource } from '#shared/ids';
import { systemTimers, type GateOptions } from '#models/gate/gate-options';
import type { GateView } from '#models/gate/gate-view';
import type { GainedLease, LeaseUser } from '../cluster-member.ts';
import { ClusterGate, type ClusterGateParts } from './cluster-gate.ts';

const leaseOf = (backend: string): string => `gate/${backend}`;

export class ClusterGates implements LeaseUser {
  readonly #parts: ClusterGateParts;
  readonly #gates = new Map<string, ClusterGate>();

  /** @param parts `worker`: its name, for people. */
  constructor(parts: ClusterGateParts) {
    this.#parts = { ...parts, worker: `${parts.worker}/${createIdSource()()}` };
  }

  /** The gate of a backend; before the worker joins the cluster. */
  open = (options: GateOptions): ClusterGate => {
    const gate = new ClusterGate({ timers: systemTimers, ...options }, this.#parts);
    this.#gates.set(leaseOf(options.id), gate);
    return gate;
  };

  /** The names of the leases of all gates. */
  leases(): string[] {
    return [...this.#gates.keys()];
  }

  views(): { backend: string; arbiter: GateView['arbiter']; running: number }[] {
    return [...this.#gates.values()].map((gate) => ({
      backend: gate.id,
      arbiter: gate.view().arbiter,
      running: gate.running,
    }));
  }

  gained(leases: ReadonlyMap<string, GainedLease>): void {
    for (const [name, { epoch, ownerSilentMs }] of leases)
      this.#gates.get(name)?.hold(epoch, ownerSilentMs);
  }

  lost(names: readonly string[]): void {
    for (const name of names) this.#gates.get(name)?.release('lost');
  }

  handOver(names: readonly string[]): Promise<void> {
    for (const name of names) this.#gates.get(name)?.release('clean');
    return Promise.resolve();
  }

  /** Resolves when the arbiters know the end of all requests of this worker, after `limitMs` at the latest. */
  async settled(limitMs: number): Promise<void> {
    await Promise.all([...this.#gates.values()].map((gate) => gate.settled(limitMs)));
  }
}
