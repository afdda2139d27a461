/** Reads the certificate that the configuration of a tool names. */
import { readFileSync } from 'node:fs';
import { GatehouseError, messageOf } from '#shared/errors';
import type { TlsTrust } from '#shared/tls-options';

export interface TlsSettings {
  caFile?: string | undefined;
  fingerprint256?: string | undefined;
}

/** @throws GH_CONFIG_INVALID when the file cannot be read. */
export function readTlsTrust({ caFile, fingerprint256 }: TlsSettings): TlsTrust {
  try {
    return { ca: caFile === undefined ? undefined : readFileSync(caFile, 'utf8'), fingerprint256 };
  } catch (error) {
    throw new GatehouseError('GH_CONFIG_INVALID', `caFile: ${messageOf(error)}`, { cause: error });
  }
}
