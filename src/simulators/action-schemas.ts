/** The parts of a page's actions that the simulators have in common. */
import { z } from 'zod';

export const part = z.number().min(0).max(1);
/** No delay set on a page may last longer than a user would wait. */
export const ms = z.int().min(0).max(600_000);

/** See `NetworkFault`. */
export const networkFaults = [
  z.object({ kind: z.literal('page'), status: z.int().min(200).max(599) }),
  z
    .object({
      kind: z.literal('says'),
      status: z.int().min(200).max(599),
      body: z.string().max(20_000),
      contentType: z.string().max(200).optional(),
    })
    .transform(({ contentType, ...rest }) => (contentType ? { ...rest, contentType } : rest)),
  z.object({ kind: z.literal('slow'), headersMs: ms, bodyMs: ms }),
  z.object({ kind: z.literal('cut'), at: z.enum(['atOnce', 'unstored', 'stored', 'answer']) }),
  z.object({ kind: z.literal('down'), forMs: ms }),
] as const;

/** File content in base64. */
export const encodedFile = z.object({
  name: z.string().max(255),
  type: z.string(),
  content: z.base64(),
});

export const faultActions = [
  z.object({ do: z.literal('clearFaults') }),
  z.object({ do: z.literal('storm'), seed: z.int().default(1), rate: part }),
  z.object({ do: z.literal('connections'), isListening: z.boolean(), forMs: ms.optional() }),
] as const;

export type FaultAction = z.infer<(typeof faultActions)[number]>;

/** What a simulator offers for these actions. */
interface FaultPort {
  clearFaults(): void;
  setStorm(storm: { seed: number; rate: number } | null): void;
  refuseConnections(forMs?: number): Promise<void>;
  acceptConnections(): Promise<void>;
}

export async function performFaultAction(port: FaultPort, data: FaultAction): Promise<void> {
  switch (data.do) {
    case 'clearFaults':
      return port.clearFaults();
    case 'storm':
      return port.setStorm(data.rate === 0 ? null : { seed: data.seed, rate: data.rate });
    case 'connections':
      return data.isListening ? port.acceptConnections() : port.refuseConnections(data.forMs);
    default:
      throw data satisfies never;
  }
}

/** Throws with a message for the user. */
export function parsedAction<A>(schema: z.ZodType<A>, value: unknown): A {
  const given = schema.safeParse(value);
  if (!given.success) throw new RangeError(z.prettifyError(given.error));
  return given.data;
}
