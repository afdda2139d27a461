/**
 * An embedding server for tests, with vectors that can be computed by hand: each text is the bag of its meanings. A
 * word in the table of synonyms stands for its meaning, another one for itself; endings are ignored. `answer` scripts
 * the responses.
 */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const dim = 64;

/** Synonyms. */
const meanings: Record<string, string> = {
  자동차: 'car',
  차량: 'car',
  car: 'car',
  vehicle: 'car',
  고장: 'fault',
  수리: 'fault',
  정비: 'fault',
  repair: 'fault',
  병원: 'health',
  진료: 'health',
  건강검진: 'health',
};

/** Deterministic, of length 1. */
export function bagOfMeanings(text: string): number[] {
  const vector = Array.from({ length: dim }, () => 0);
  for (const word of text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []) {
    const known = Object.keys(meanings).find((one) => word.startsWith(one));
    let hash = 7;
    for (const character of known === undefined ? word : meanings[known]!) {
      hash = (Math.imul(hash, 31) + character.codePointAt(0)!) >>> 0;
    }
    vector[hash % dim]! += known === undefined ? 0.3 : 1;
  }
  const length = Math.hypot(...vector);
  return length === 0 ? [1, ...vector.slice(1)] : vector.map((value) => value / length);
}

interface EmbeddingBody {
  model: string;
  input: string[];
  encoding_format?: string;
}

export interface FakeEmbeddings {
  readonly baseUrl: string;
  /** The inputs of all requests so far. */
  readonly requests: readonly EmbeddingBody[];
  /** The largest number of requests that were open at the same time. */
  readonly overlapMax: number;
  /** Scripts the response of the next requests; null: the vectors. */
  answer: ((body: EmbeddingBody, response: ServerResponse) => unknown) | null;
  /** Stops listening and cuts all connections. `listen` undoes it, on the same port. */
  refuse(): Promise<void>;
  listen(): Promise<void>;
}

export const embeddingList = (vectors: unknown[]): object => ({
  object: 'list',
  data: vectors.map((embedding, index) => ({ object: 'embedding', index, embedding })),
});

/** Starts it on a free port of the loopback interface. Call `refuse` after the test. */
export async function startFakeEmbeddings(): Promise<FakeEmbeddings> {
  const requests: EmbeddingBody[] = [];
  let port = 0;
  let open = 0;
  let overlapMax = 0;
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    open += 1;
    overlapMax = Math.max(overlapMax, open);
    response.once('close', () => (open -= 1));
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const body = JSON.parse(Buffer.concat(parts).toString('utf8')) as EmbeddingBody;
      requests.push(body);
      const scripted = fake.answer;
      if (scripted === null) {
        send(response, embeddingList(body.input.map(bagOfMeanings)));
        return;
      }
      void Promise.resolve(scripted(body, response)).then((said) => {
        if (said !== undefined) send(response, said);
      });
    });
  });
  const fake: FakeEmbeddings = {
    get baseUrl() {
      return `http://127.0.0.1:${port}/v1`;
    },
    requests,
    get overlapMax() {
      return overlapMax;
    },
    answer: null,
    async refuse() {
      if (!server.listening) return;
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
    async listen() {
      await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
      ({ port } = server.address() as AddressInfo);
    },
  };
  await fake.listen();
  return fake;
}

function send(response: ServerResponse, body: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}
