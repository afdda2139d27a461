/**
 * The latency that Gatehouse adds to the first token and to each piece, compared with the same server called
 * directly with the same client. The server is process-local and answers at once, so that only Gatehouse is
 * measured: HTTP in, journal, gate, HTTP to the model, SSE out.
 */
import { fetch as undiciFetch } from 'undici';
import { createServer, type ServerResponse } from 'node:http';
import { configSchema } from '#app/config/config';
import { startCore } from '#app/core';
import { silentLog } from '#shared/log';
import { median, printTable, quantile, scratch } from './support/measure.ts';

const rounds = 100;
const pieces = 50;
const classification = JSON.stringify({ action: 'route', response: '', prompt: '' });

const frame = (content: string, finish: string | null = null): string =>
  `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content }, finish_reason: finish }] })}\n\n`;

/** Each piece carries the time at which it was sent. */
async function answer(response: ServerResponse, isClassification: boolean): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  if (isClassification) response.write(frame(classification));
  for (let n = 0; !isClassification && n < pieces; n += 1) {
    response.write(frame(`<${performance.now()}>`));
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  response.end(`${frame('', 'stop')}data: [DONE]\n\n`);
}

const server = createServer((request, response) => {
  if (request.method === 'GET') {
    response.end('{"status":"ok"}');
    return;
  }
  let body = '';
  request.on('data', (data: Buffer) => (body += data.toString()));
  request.on(
    'end',
    () => void answer(response, body.includes('json_schema') || body.includes('[메시지]')),
  );
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const baseUrl = `http://127.0.0.1:${(server.address() as { port: number }).port}/v1`;

const folder = scratch();
const core = await startCore({
  config: configSchema.parse({
    server: { port: 0 },
    database: `${folder.path}/gatehouse.db`,
    nats: { mode: 'off' },
    backends: [
      { id: 'small', baseUrl, model: 'm', kind: 'vllm' },
      { id: 'large', baseUrl, model: 'm', kind: 'vllm' },
    ],
    roles: { classifier: 'small', reasoner: 'large' },
  }),
  log: silentLog(),
});

interface Reading {
  /** Time to the first bytes of the stream: for Gatehouse the `ack` event. */
  firstEventMs: number;
  firstMs: number;
  pieceMs: number[];
}

async function readPieces(url: string, init: object): Promise<Reading> {
  const from = performance.now();
  const reading: Reading = { firstEventMs: Number.NaN, firstMs: Number.NaN, pieceMs: [] };
  const response = await undiciFetch(url, init);
  const decoder = new TextDecoder();
  for await (const bytes of response.body ?? []) {
    const at = performance.now();
    if (Number.isNaN(reading.firstEventMs)) reading.firstEventMs = at - from;
    for (const [, sent] of decoder.decode(bytes as Uint8Array).matchAll(/<(\d+\.?\d*)>/g)) {
      if (reading.pieceMs.length >= pieces) break;
      if (Number.isNaN(reading.firstMs)) reading.firstMs = at - from;
      reading.pieceMs.push(at - Number(sent));
    }
  }
  return reading;
}

const json = { 'content-type': 'application/json' };
const direct = () =>
  readPieces(`${baseUrl}/chat/completions`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({
      model: 'm',
      stream: true,
      messages: [{ role: 'user', content: '왜?' }],
    }),
  });
let count = 0;
/** A message that no rule decides: one request classifies it, another answers it. The clock starts at the POST. */
async function throughGatehouse(): Promise<Reading> {
  const from = performance.now();
  const accepted = await undiciFetch(`${core.url}/chat`, {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ message: '양자역학이 뭐야?', user_id: `u${(count += 1)}` }),
  });
  const { job_id: jobId } = (await accepted.json()) as { job_id: string };
  const startedMs = performance.now() - from;
  const reading = await readPieces(`${core.url}/chat/${jobId}/stream`, {});
  return {
    ...reading,
    firstEventMs: reading.firstEventMs + startedMs,
    firstMs: reading.firstMs + startedMs,
  };
}

for (let n = 0; n < 20; n += 1) {
  await direct();
  await throughGatehouse();
}
const plain: Reading[] = [];
const ours: Reading[] = [];
for (let n = 0; n < rounds; n += 1) {
  plain.push(await direct());
  ours.push(await throughGatehouse());
}
const first = (readings: Reading[]): number => median(readings.map((one) => one.firstMs));
const piece = (readings: Reading[], q: number): number =>
  quantile(
    readings.flatMap((one) => one.pieceMs),
    q,
  );
printTable(
  `Added latency, medians of ${rounds} interleaved rounds`,
  ['figure', 'direct, ms', 'through gatehouse, ms', 'added, ms', 'goal'],
  [
    [
      'first event, from the request',
      '',
      median(ours.map((one) => one.firstEventMs)).toFixed(2),
      '',
      '<= 100',
    ],
    [
      'first token (gatehouse: accept + classify + reason)',
      first(plain).toFixed(2),
      first(ours).toFixed(2),
      (first(ours) - first(plain)).toFixed(2),
      '<= 6',
    ],
    [
      'per piece, p50',
      piece(plain, 0.5).toFixed(3),
      piece(ours, 0.5).toFixed(3),
      (piece(ours, 0.5) - piece(plain, 0.5)).toFixed(3),
      '<= 0.3',
    ],
    [
      'per piece, p99',
      piece(plain, 0.99).toFixed(3),
      piece(ours, 0.99).toFixed(3),
      (piece(ours, 0.99) - piece(plain, 0.99)).toFixed(3),
      '',
    ],
  ],
);
await core.stop();
server.close();
folder.remove();
process.exit(0);
