/** The permit of a request to a model server, as the gate proxy reads it (docs/gate.md). */

const gateHeader = 'gatehouse-gate';
/** `EPOCH.N` */
const fenceHeader = 'gatehouse-fence';

/** Not sent on to the model server. */
export const permitHeaderNames: readonly string[] = [gateHeader, fenceHeader];

/** @param fence null: the gate belongs to this process alone, and no proxy checks it. */
export const permitHeaders = (gateId: string, fence: string | null): Record<string, string> =>
  fence === null ? {} : { [gateHeader]: encodeURIComponent(gateId), [fenceHeader]: fence };

export interface RequestPermit {
  gate: string;
  epoch: number;
  n: number;
}

/** Null without a permit, `invalid` for one that cannot be read. */
export function readPermit(
  headers: Record<string, string | string[] | undefined>,
): RequestPermit | null | 'invalid' {
  const fence = headers[fenceHeader];
  if (fence === undefined) return null;
  const found = /^(\d{1,15})\.(\d{1,15})$/.exec(String(fence));
  if (found === null) return 'invalid';
  return { gate: String(headers[gateHeader] ?? ''), epoch: Number(found[1]), n: Number(found[2]) };
}
