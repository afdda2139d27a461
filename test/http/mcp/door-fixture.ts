/** For the tests of the MCP door: a core with keys of two persons, and the official client. */
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { onTestFinished } from 'vitest';
import { keys, type KeyedCore, type Who } from '#test/security/keys';

export type Era = 'legacy' | 'modern';

interface DoorClient {
  client: Client;
  /** The structured result of a tool, its text, and whether it is an error. */
  call(name: string, input?: Record<string, unknown>, options?: CallOptions): Promise<Called>;
}

type CallOptions = Parameters<Client['callTool']>[1];

export interface Called {
  text: string;
  data: Record<string, any>;
  isError: boolean;
}

/** Closed when the test has finished. `legacy`: the protocols that begin with `initialize`. */
export async function connectDoor(core: KeyedCore, who: Who, era: Era): Promise<DoorClient> {
  const key = keys[who];
  const transport = new StreamableHTTPClientTransport(new URL(`${core.core.url}/mcp`), {
    requestInit: key === null ? {} : { headers: { authorization: `Bearer ${key}` } },
  });
  const client = new Client(
    { name: 'test', version: '1' },
    era === 'modern' ? { versionNegotiation: { mode: 'auto' } } : {},
  );
  await client.connect(transport);
  onTestFinished(() => client.close());
  return doorClient(client);
}

export const doorClient = (client: Client): DoorClient => ({
  client,
  async call(name, input = {}, options = {}) {
    const result = await client.callTool({ name, arguments: input }, options);
    const [first] = result.content as { type: string; text?: string }[];
    return {
      text: first?.text ?? '',
      data: (result.structuredContent ?? {}) as Called['data'],
      isError: result.isError === true,
    };
  },
});
