/** The controls of faults, rules and the port, which every simulator has. */
import type { FaultQueue, FaultScope, Storm } from './fault-queue.ts';
import type { RefusableServer } from './refusable-server.ts';

export interface FaultControls<Fault, Method, Rules> {
  changeRules(change: Partial<Rules>): void;
  /** Requests get the faults in the order in which they were added. */
  fail(fault: Fault, scope?: FaultScope<Method>): void;
  clearFaults(): void;
  setStorm(storm: Storm<Fault> | null): void;
  /**
   * Closes the port and all connections; resolves when connections are refused. Opens again after `forMs`, if given.
   */
  refuseConnections(forMs?: number): Promise<void>;
  acceptConnections(): Promise<void>;
}

export interface FaultControlsParts<Fault, Method extends string, Rules extends object> {
  faults: FaultQueue<Fault, Method>;
  rules: Rules;
  server: RefusableServer;
  /** Called after each change. */
  changed(): void;
}

export const faultControlsOf = <Fault, Method extends string, Rules extends object>({
  faults,
  rules,
  server,
  changed,
}: FaultControlsParts<Fault, Method, Rules>): FaultControls<Fault, Method, Rules> => ({
  changeRules(change) {
    Object.assign(rules, change);
    changed();
  },
  fail(fault, scope) {
    faults.add(fault, scope);
    changed();
  },
  clearFaults() {
    faults.clear();
    changed();
  },
  setStorm(storm) {
    faults.storm = storm;
    changed();
  },
  refuseConnections: (forMs) => server.refuse(forMs),
  acceptConnections: () => server.accept(),
});
