/**
 * A network that can fail: a TCP proxy between a program and a server. It can be cut, hold back what is sent in one or both
 * directions, and be slow.
 */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

export type Direction = 'toServer' | 'toClient';

export interface SeverableProxy {
  readonly port: number;
  /** Closes every connection and refuses new connections. */
  sever(): void;
  /**
   * Holds back what is sent in these directions, as a network that drops all packets: neither side is told. What was
   * sent arrives after `restore`, also when its sender has closed the connection meanwhile.
   */
  hold(...directions: Direction[]): void;
  /** From now on everything that is sent arrives `ms` later. */
  delay(ms: number): void;
  /** Ends all faults. */
  restore(): void;
  close(): Promise<void>;
}

export async function openSeverableProxy(targetPort: number): Promise<SeverableProxy> {
  const network = new Network();
  const server = createServer((near) => {
    if (network.isCut) return void near.destroy();
    const far = connect(targetPort, '127.0.0.1');
    network.carry(near, far, 'toServer');
    network.carry(far, near, 'toClient');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    sever: () => network.sever(),
    hold: (...directions) => network.hold(directions),
    delay: (ms) => void (network.delayMs = ms),
    restore: () => network.restore(),
    close: () =>
      new Promise((resolve) => {
        network.sever();
        server.close(() => resolve());
      }),
  };
}

class Network {
  isCut = false;
  delayMs = 0;
  readonly #open = new Set<Socket>();
  readonly #held = new Map<Direction, PromiseWithResolvers<void>>();

  /** Sends everything from one side to the other in order, and its end. */
  carry(from: Socket, to: Socket, direction: Direction): void {
    let last = Promise.resolve();
    const send = (action: () => void): void => {
      const due = performance.now() + this.delayMs;
      last = last.then(() => this.#arrival(direction, due)).then(action);
    };
    this.#open.add(from);
    from.setNoDelay(true);
    from.on('error', () => undefined);
    from.on('data', (chunk: Buffer) => send(() => void (to.destroyed || to.write(chunk))));
    from.on('close', () => {
      this.#open.delete(from);
      send(() => to.destroySoon());
    });
  }

  sever(): void {
    this.isCut = true;
    for (const socket of this.#open) socket.resetAndDestroy();
    this.#deliver();
  }

  hold(directions: readonly Direction[]): void {
    for (const one of directions) {
      if (!this.#held.has(one)) this.#held.set(one, Promise.withResolvers());
    }
  }

  restore(): void {
    this.isCut = false;
    this.delayMs = 0;
    this.#deliver();
  }

  #deliver(): void {
    for (const { resolve } of this.#held.values()) resolve();
    this.#held.clear();
  }

  async #arrival(direction: Direction, due: number): Promise<void> {
    const wait = due - performance.now();
    if (wait > 0) await sleep(wait, undefined, { ref: false });
    while (this.#held.has(direction)) await this.#held.get(direction)!.promise;
  }
}
