/** Asks a model server whether a model takes pictures, on the page of its kind. */
import type { BoundedResponse } from '../client/bounded-get.ts';
import type { BackendKind } from '../client/server-profiles.ts';

/** Reads a page below the root of the server; with a body by POST. */
export type AskServer = (path: string, body?: object) => Promise<BoundedResponse>;

type Fields = Record<string, unknown>;

const fields = (value: unknown): Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {};

const readers: Partial<
  Record<BackendKind, (model: string, ask: AskServer) => Promise<boolean | null>>
> = {
  async 'llama.cpp'(_, ask) {
    const vision = fields(fields(jsonOf(await ask('/props')))['modalities'])['vision'];
    return typeof vision === 'boolean' ? vision : null;
  },
  async ollama(model, ask) {
    const { capabilities } = fields(jsonOf(await ask('/api/show', { model })));
    return Array.isArray(capabilities) ? capabilities.includes('vision') : null;
  },
  async 'lm-studio'(model, ask) {
    const { type } = fields(jsonOf(await ask(`/api/v0/models/${encodeURIComponent(model)}`)));
    return typeof type === 'string' ? type === 'vlm' : null;
  },
};

const jsonOf = (page: BoundedResponse): unknown =>
  page.ok && page.status === 200 ? page.json : null;

/** Null: the server does not say. Never rejects. */
export const readVision = async (
  kind: BackendKind,
  model: string,
  ask: AskServer,
): Promise<boolean | null> => (await readers[kind]?.(model, ask)) ?? null;
