/** The address on this machine to which a browser returns after a login. It takes one answer, with the right state. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface RedirectListener {
  readonly url: string;
  /** The parameters of the answer. */
  readonly answered: Promise<URLSearchParams>;
  /** An address that a person has copied from a browser elsewhere. False: it is not the answer to this login. */
  take(address: string): boolean;
  close(): void;
}

const path = '/callback';

/** @param state that the answer must carry @throws Error if the port is taken */
export async function listenForRedirect(port: number, state: string): Promise<RedirectListener> {
  const answer = Promise.withResolvers<URLSearchParams>();
  const take = (address: string): boolean => {
    if (!URL.canParse(address, 'http://127.0.0.1')) return false;
    const { pathname, searchParams } = new URL(address, 'http://127.0.0.1');
    if (pathname !== path || searchParams.get('state') !== state) return false;
    answer.resolve(searchParams);
    return true;
  };
  const server = createServer((request, response) => {
    const isTaken = request.method === 'GET' && take(request.url ?? '');
    response.writeHead(isTaken ? 200 : 400, {
      'content-type': 'text/plain; charset=utf-8',
      connection: 'close',
    });
    response.end(isTaken ? done : refused);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', resolve);
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`,
    answered: answer.promise,
    take,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

const done =
  'Gatehouse has the answer. Close this page, and look at the terminal.\n이 창을 닫고 터미널을 확인해주세요.\n';
const refused = 'This is not the answer to the login that waits.\n';
