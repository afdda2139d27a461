/** A network that can fail: a TCP proxy between a program and a server that can be cut and restored. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface SeverableProxy {
  readonly port: number;
  /** Closes every connection and refuses new connections. */
  sever(): void;
  restore(): void;
  close(): Promise<void>;
}

export async function openSeverableProxy(targetPort: number): Promise<SeverableProxy> {
  const open = new Set<Socket>();
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) return void near.destroy();
    const far = connect(targetPort, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      open.add(one);
      one.setNoDelay(true);
      one.on('error', () => undefined);
      one.on('close', () => {
        open.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = (): void => {
    isCut = true;
    for (const socket of open) socket.resetAndDestroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    sever: cut,
    restore: () => void (isCut = false),
    close: () =>
      new Promise((resolve) => {
        cut();
        server.close(() => resolve());
      }),
  };
}
