/** The reads of MCP servers for the ask loop, run through the tool registry: the same limits, metrics and log lines. */
import { createHash } from 'node:crypto';
import { ownToolNames } from '#ask/ask-tool-calls';
import type { ExternalAnswer, ExternalRead, OfferReads } from '#ask/external-reads';
import { localeOf } from '#machines/texts';
import type { Mcp, OfferedRead } from '#mcp/mcp-port';
import type { Clock } from '#shared/clock';
import type { ToolRegistry } from '#tools/registry';

interface ReadOfferOptions {
  mcp: Pick<Mcp, 'offerReads'>;
  registry: Pick<ToolRegistry, 'run'>;
  clock: Clock;
  /** IANA name. */
  timeZone: string;
}

export function createReadOffer({ mcp, registry, clock, timeZone }: ReadOfferOptions): OfferReads {
  return (question, userId) => {
    const taken = new Set(ownToolNames);
    return mcp.offerReads(question, userId).map((read): ExternalRead => {
      const { tool, operation, server, description, parameters } = read;
      const name = functionName(read, taken);
      taken.add(name);
      return {
        name,
        source: `${server}.${operation}`,
        description,
        parameters,
        async read(params, signal): Promise<ExternalAnswer> {
          const { results, draft } = await registry.run([{ tool, operation, params }], {
            userId,
            locale: localeOf(question),
            now: new Date(clock.now()).toISOString(),
            timeZone,
            signal,
            key: 'ask',
          });
          const [result] = results;
          // A tool whose hints have changed since it was offered drafts instead: nobody can confirm here.
          if (draft !== null || result === undefined)
            return { ok: false, detail: 'it would write' };
          return result.ok
            ? { ok: true, text: result.summary }
            : { ok: false, detail: result.summary };
        },
      };
    });
  };
}

const nameCharsMax = 64;

/** As model servers allow it; another name of the same letters gets a hash, so that it stays the same. */
function functionName({ server, operation }: OfferedRead, taken: ReadonlySet<string>): string {
  const plain = `${server}_${operation}`.replace(/[^\w-]/g, '_').slice(0, nameCharsMax);
  const isExact = plain === `${server}_${operation}`;
  if (isExact && !taken.has(plain)) return plain;
  const hash = createHash('sha256').update(`${server} ${operation}`).digest('hex').slice(0, 8);
  return `${plain.slice(0, nameCharsMax - 9)}_${hash}`;
}
