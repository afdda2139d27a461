/** The gate proxy over real HTTP, before a fake model server that counts the requests that are open at once. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, request, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { describe, expect, onTestFinished, test } from 'vitest';
import { startGateProxy, type GateProxyOptions } from '#http/gate-proxy/gate-proxy';
import { silentLog } from '#shared/log';
import { permitHeaders } from '#shared/wire/permit-headers';
import { freePort } from '#test/support/free-port';
import { startFakeLlm } from '#test/support/fake-llm';
import { says, stalls } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';

async function open(more: Partial<GateProxyOptions> = {}) {
  const llm = await startFakeLlm({ pages: { '/health': { body: { status: 'ok' } } } });
  const proxy = await startGateProxy({
    target: new URL(`http://127.0.0.1:${llm.port}`),
    host: '127.0.0.1',
    port: 0,
    concurrency: 1,
    allowUnfenced: false,
    log: silentLog(),
    ...more,
  });
  onTestFinished(async () => {
    await proxy.close();
    await llm.close();
  });
  const chat = `${proxy.url}/v1/chat/completions`;
  const ask = (fence: string | null, gate = 'large', signal?: AbortSignal): Promise<Response> =>
    fetch(chat, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...permitHeaders(gate, fence) },
      body: JSON.stringify({ messages: [{ role: 'user', content: 'hello' }], stream: true }),
      ...(signal === undefined ? {} : { signal }),
    });
  return { llm, proxy, chat, ask };
}

const codeOf = async (response: Response): Promise<string> =>
  ((await response.json()) as { error: { code: string } }).error.code;

describe('the gate proxy', () => {
  test('streams an answer unchanged, and removes the headers of the permit', async () => {
    const { llm, ask } = await open();
    llm.script(says('one two three'), says('one two three'));
    const direct = await fetch(`${llm.baseUrl}/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ messages: [], stream: true }),
    });
    const proxied = await ask('1.1');
    expect(proxied.status).toBe(200);
    expect(proxied.headers.get('content-type')).toBe(direct.headers.get('content-type'));
    expect(await proxied.text()).toBe(await direct.text());
    const names = Object.keys(llm.requests[1]?.headers ?? {});
    expect(names.filter((name) => name.startsWith('gatehouse-'))).toEqual([]);
  });

  test('passes each piece of a stream on at once, with the first before the answer is complete', async () => {
    const { llm, ask } = await open();
    let go: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (go = resolve));
    llm.script(async ({ response }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: first\n\n');
      await held;
      response.end('data: last\n\n');
    });
    const response = await ask('1.1');
    const reader = response.body!.getReader();
    const { value } = await reader.read();
    expect(new TextDecoder().decode(value)).toBe('data: first\n\n');
    go();
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('data: last\n\n');
  });

  test('closes the connection to the model server when the caller aborts, and then gives the slot on', async () => {
    const { llm, ask } = await open();
    llm.script(stalls(), says('next'));
    const caller = new AbortController();
    const first = await ask('1.1', 'large', caller.signal);
    expect(first.status).toBe(200);
    const arrived = await llm.arrived(1);
    caller.abort();
    const second = await ask('1.2');
    await arrived.closed;
    expect(await second.text()).toContain('next');
    expect(llm.overlapMax).toBe(1);
  });

  test('an answer that the model server cuts short is cut short for the caller', async () => {
    const { llm, ask } = await open();
    llm.script(({ response }) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      response.write('data: first\n\n', () => response.destroy());
    });
    const response = await ask('1.1');
    await expect(response.text()).rejects.toThrow();
    llm.script(says('goes on'));
    expect(await (await ask('1.2')).text()).toContain('goes');
  });

  test('a request without a fence, or with one that cannot be read, is refused', async () => {
    const { llm, ask } = await open();
    for (const fence of [null, 'x', '1', '-1.2', '1.2.3', '1e3.1', '']) {
      const response = await ask(fence);
      expect(response.status).toBe(403);
      expect(await codeOf(response)).toBe('GH_GATE_UNFENCED');
    }
    expect(llm.requests).toHaveLength(0);
  });

  test('with allowUnfenced a request without a fence gets a free slot, and loses it to one with a fence', async () => {
    const { llm, ask } = await open({ allowUnfenced: true });
    llm.script(stalls(), says('with a fence'));
    const unfenced = await ask(null);
    expect(unfenced.status).toBe(200);
    const busy = await ask(null);
    expect([busy.status, await codeOf(busy)]).toEqual([503, 'GH_GATE_FULL']);
    const fenced = await ask('1.1');
    expect(await fenced.text()).toContain('fence');
    await expect(unfenced.text()).rejects.toThrow();
    expect(llm.overlapMax).toBe(1);
  });

  test('a permit of an earlier epoch is refused once a later one was seen, for each gate by itself', async () => {
    const { llm, ask } = await open();
    expect((await ask('3.1')).status).toBe(200);
    const stale = await ask('2.9');
    expect([stale.status, await codeOf(stale)]).toEqual([409, 'GH_GATE_STALE']);
    expect((await ask('1.1', 'small')).status).toBe(200);
    expect((await ask('3.2')).status).toBe(200);
    expect(llm.overlapMax).toBe(1);
  });

  test('a lower permit than the one that runs is refused and changes nothing', async () => {
    const { llm, ask } = await open();
    llm.script(stalls());
    await ask('2.5');
    const late = await ask('2.4');
    expect([late.status, await codeOf(late)]).toEqual([409, 'GH_GATE_STALE']);
    expect(llm.open).toBe(1);
  });

  test('the same permit twice closes the earlier request: its holder has sent it again', async () => {
    const { llm, ask } = await open();
    llm.script(stalls(), says('again'));
    await ask('1.1');
    expect(await (await ask('1.1')).text()).toContain('again');
    expect(llm.overlapMax).toBe(1);
  });

  test('the lowest permits are closed when many arrive at a full server', async () => {
    const { llm, ask } = await open({ concurrency: 2 });
    llm.script(stalls(), stalls(), stalls(), stalls());
    for (const n of [2, 1, 4, 3]) await ask(`1.${n}`);
    await until(() => llm.open === 2);
    const open34 = [1, 2, 3, 4].filter((n) => n > 2);
    expect(open34).toHaveLength(2);
    expect(llm.overlapMax).toBe(2);
    const second = await ask('1.2');
    expect(second.status).toBe(409);
  });

  test('GET and HEAD pass without a permit, also while all slots are taken', async () => {
    const { llm, ask, proxy } = await open();
    llm.script(stalls());
    await ask('1.1');
    expect(await (await fetch(`${proxy.url}/health`)).json()).toEqual({ status: 'ok' });
    expect((await fetch(`${proxy.url}/nothing`)).status).toBe(404);
  });

  test('a model server that is down is answered with 502 and a code, and found again', async () => {
    const { llm, ask, proxy } = await open();
    await llm.refuse();
    const down = await ask('1.1');
    expect([down.status, await codeOf(down)]).toEqual([502, 'GH_GATE_UPSTREAM']);
    expect((await fetch(`${proxy.url}/health`)).status).toBe(502);
    await llm.listen();
    expect((await ask('1.2')).status).toBe(200);
  });

  test('an address that is taken is reported with its code', async () => {
    const { proxy } = await open();
    const port = Number(new URL(proxy.url).port);
    await expect(open({ port })).rejects.toMatchObject({ code: 'GH_SERVER_PORT' });
  });

  test('a path before the address of the target, a query, a chunked body and a status pass unchanged', async () => {
    const seen: { url: string; body: string; te: unknown }[] = [];
    const server = createServer((incoming: IncomingMessage, response) => {
      let body = '';
      incoming.on('data', (data: Buffer) => (body += data.toString()));
      incoming.on('end', () => {
        seen.push({ url: incoming.url ?? '', body, te: incoming.headers['x-hop'] });
        response.writeHead(429, { 'retry-after': '7', connection: 'x-private', 'x-private': '1' });
        response.end('later');
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    onTestFinished(() => void server.close());
    const { port } = server.address() as AddressInfo;
    const { proxy } = await open({ target: new URL(`http://127.0.0.1:${port}/base/`) });
    const sent = request(`${proxy.url}/v1/x?a=b%20c`, {
      method: 'POST',
      headers: { ...permitHeaders('g', '1.1'), connection: 'x-hop', 'x-hop': '1' },
    });
    sent.write('first ');
    sent.end('second');
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    answer.resume();
    expect(answer.statusCode).toBe(429);
    expect(answer.headers['retry-after']).toBe('7');
    expect(answer.headers['x-private']).toBeUndefined();
    expect(seen).toEqual([{ url: '/base/v1/x?a=b%20c', body: 'first second', te: undefined }]);
  });

  test('a paused holder with its connection open loses its slot: the server never runs two requests', async () => {
    const { llm, chat, ask } = await open();
    llm.script(stalls(), says('the next holder'), says('after it'));
    const script = new URL('holder-child.mjs', import.meta.url).pathname;
    const child = spawn(process.execPath, [script, chat, '1.1'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    onTestFinished(() => void child.kill('SIGKILL'));
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
    expect((await lines.next()).value).toBe('status 200');
    const paused = await llm.arrived(1);
    child.kill('SIGSTOP');
    // Its permit has ended at the arbiter, which gives the slot to another worker.
    const next = await ask('1.2');
    await paused.closed;
    expect(await next.text()).toContain('holder');
    child.kill('SIGCONT');
    for (let line = ''; line !== 'closed';) line = String((await lines.next()).value);
    // What the woken worker still sends with its permit is refused, or closed by the next one.
    expect((await ask('1.3')).status).toBe(200);
    expect(llm.overlapMax).toBe(1);
  });

  test('random holders that end, abort, pause and are overtaken never overlap beyond concurrency', async () => {
    const concurrency = 2;
    const { llm, ask } = await open({ concurrency });
    const callers: Promise<unknown>[] = [];
    const aborts: AbortController[] = [];
    let random = 7;
    const below = (limit: number): number => {
      random = (random * 48_271) % 2_147_483_647;
      return random % limit;
    };
    for (let n = 1; n <= 120; n += 1) {
      llm.script([says('a b c', { wordMs: 2 }), stalls(), says('x')][below(3)]!);
      const caller = new AbortController();
      aborts.push(caller);
      const epoch = 1 + Math.floor(n / 40) - (below(8) === 0 ? 1 : 0);
      const sent = ask(`${Math.max(0, epoch)}.${n}`, 'large', caller.signal)
        .then((response) => response.text())
        .catch(() => null);
      callers.push(sent);
      if (below(3) === 0) setTimeout(() => caller.abort(), below(20));
      if (below(2) === 0)
        await Promise.race([sent, new Promise((resolve) => setImmediate(resolve))]);
    }
    for (const caller of aborts) caller.abort();
    await Promise.all(callers);
    expect(llm.overlapMax).toBeLessThanOrEqual(concurrency);
    await until(() => llm.open === 0);
  });
});

test('the port of the proxy is free again after it was closed', async () => {
  const port = await freePort();
  const options = {
    target: new URL('http://127.0.0.1:1'),
    host: '127.0.0.1',
    port,
    concurrency: 1,
    allowUnfenced: false,
    log: silentLog(),
  };
  for (let round = 0; round < 2; round += 1) await (await startGateProxy(options)).close();
});
