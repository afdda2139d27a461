/**
 * Speculative reasoning: what it saves a question that is routed to the reasoner, and what it costs the others. Two model
 * servers do nothing but wait: the classifier answers after 300 ms, the reasoner has its first
 * token after 600 ms. Interleaved rounds: the reasoner alone, `jobs.speculate: always`, and `never`.
 */
import { fetch as undiciFetch } from 'undici';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { configSchema } from '#app/config/config';
import { startCore } from '#app/core';
import { silentLog } from '#shared/log';
import { median, printTable, scratch } from './support/measure.ts';

const rounds = Number(process.argv[2] ?? 15);
const classifyMs = 300;
const firstTokenMs = 600;
const json = { 'content-type': 'application/json' };

const frame = (content: string, finish: string | null = null): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: finish }] })}\n\n`;

interface ModelServer {
  baseUrl: string;
  /** The largest number of requests at once. */
  overlapMax: number;
  server: Server;
}

async function startModel(
  answer: (body: string) => { afterMs: number; text: string },
): Promise<ModelServer> {
  const model: ModelServer = { baseUrl: '', overlapMax: 0, server: createServer() };
  let open = 0;
  const respond = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method === 'GET') return void response.end('{"status":"ok"}');
    open += 1;
    model.overlapMax = Math.max(model.overlapMax, open);
    response.once('close', () => (open -= 1));
    let body = '';
    for await (const data of request) body += String(data);
    const { afterMs, text } = answer(body);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    await sleep(afterMs);
    response.end(`${frame(text)}${frame('', 'stop')}data: [DONE]\n\n`);
  };
  model.server.on('request', (request, response) => void respond(request, response));
  await new Promise<void>((resolve) => model.server.listen(0, '127.0.0.1', resolve));
  model.baseUrl = `http://127.0.0.1:${(model.server.address() as AddressInfo).port}/v1`;
  return model;
}

/** A message with the word "briefly" is answered by the classifier, any other is routed. */
const small = await startModel((body) => {
  const isBrief = body.includes('briefly');
  const decision = isBrief
    ? { action: 'direct', response: 'ANSWERED' }
    : { action: 'route', response: '', prompt: '' };
  return { afterMs: classifyMs, text: JSON.stringify(decision) };
});
const large = await startModel(() => ({ afterMs: firstTokenMs, text: 'ANSWERED' }));

async function openCore(speculate: 'always' | 'never') {
  const folder = scratch();
  const core = await startCore({
    config: configSchema.parse({
      server: { port: 0 },
      database: `${folder.path}/gatehouse.db`,
      nats: { mode: 'off' },
      jobs: { speculate },
      backends: [
        { id: 'small', baseUrl: small.baseUrl, model: 'm', kind: 'vllm' },
        { id: 'large', baseUrl: large.baseUrl, model: 'm', kind: 'vllm' },
      ],
      roles: { classifier: 'small', reasoner: 'large' },
    }),
    log: silentLog(),
  });
  return {
    core,
    async stop() {
      await core.stop();
      folder.remove();
    },
  };
}

/** From the request to the first bytes with the answer, ms. */
async function untilAnswer(url: string, init: object, from = performance.now()): Promise<number> {
  const response = await undiciFetch(url, init);
  const decoder = new TextDecoder();
  let firstMs = Number.NaN;
  for await (const bytes of response.body ?? []) {
    const text = decoder.decode(bytes as Uint8Array);
    if (Number.isNaN(firstMs) && text.includes('ANSWERED')) firstMs = performance.now() - from;
  }
  return firstMs;
}

const askModel = (baseUrl: string): Promise<number> =>
  untilAnswer(`${baseUrl}/chat/completions`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({
      model: 'large',
      stream: true,
      messages: [{ role: 'user', content: 'why?' }],
    }),
  });

let count = 0;
async function ask(url: string, message: string): Promise<number> {
  const from = performance.now();
  const body = JSON.stringify({ message, user_id: `u${(count += 1)}` });
  const accepted = await undiciFetch(`${url}/chat`, { method: 'POST', headers: json, body });
  const { job_id: jobId } = (await accepted.json()) as { job_id: string };
  return untilAnswer(`${url}/chat/${jobId}/stream`, {}, from);
}

/** A request of another program at the reasoner, while a message that will not be routed is classified. */
async function otherWhile(url: string): Promise<number> {
  const asked = ask(url, 'tell me briefly what a tide is');
  await sleep(100);
  const otherMs = await askModel(`${url}/v1`);
  await asked;
  return otherMs;
}

const cores = { always: await openCore('always'), never: await openCore('never') };
const direct: number[] = [];
const figures = {
  always: { routed: [] as number[], brief: [] as number[], other: [] as number[] },
  never: { routed: [] as number[], brief: [] as number[], other: [] as number[] },
};
for (let n = -2; n < rounds; n += 1) {
  const alone = await askModel(large.baseUrl);
  if (n >= 0) direct.push(alone);
  for (const mode of ['always', 'never'] as const) {
    const { url } = cores[mode].core;
    const routed = await ask(url, 'explain to me why the tide comes twice a day');
    const brief = await ask(url, 'tell me briefly what a tide is');
    const other = await otherWhile(url);
    if (n < 0) continue;
    figures[mode].routed.push(routed);
    figures[mode].brief.push(brief);
    figures[mode].other.push(other);
  }
}

const base = median(direct);
const row = (name: string, of: 'routed' | 'brief' | 'other', goal: string): string[] => {
  const [always, never] = [median(figures.always[of]), median(figures.never[of])];
  const ratio = of === 'routed' ? always / base : always / never;
  return [name, always.toFixed(1), never.toFixed(1), ratio.toFixed(3), goal];
};
printTable(
  `Speculative reasoning, medians of ${rounds} interleaved rounds; the reasoner alone: ${base.toFixed(1)} ms`,
  ['first token of', 'always, ms', 'never, ms', 'ratio', 'goal'],
  [
    row('a routed question (ratio: to the reasoner alone)', 'routed', '<= 1.05'),
    row('a question that the classifier answers (to never)', 'brief', '<= 1.05'),
    row('a request of another program meanwhile (to never)', 'other', '<= 1.05'),
    [
      'requests at once at any server',
      String(Math.max(small.overlapMax, large.overlapMax)),
      '',
      '',
      '1',
    ],
  ],
);
await cores.always.stop();
await cores.never.stop();
small.server.close();
large.server.close();
process.exit(0);
