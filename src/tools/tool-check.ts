/** What the checks of the tools for the doctor have in common. */
import type { CheckResult } from '#shared/check-result';
import { GatehouseError, messageOf, type ErrorCode } from '#shared/errors';
import type { CallContext } from './tool.ts';

/** A sleeping NAS needs seconds to wake its disks. */
export const checkTimeoutMs = 15_000;

export const checkContext = (userId: string | undefined, now: number): CallContext => ({
  userId: userId ?? 'local',
  locale: 'en',
  now: new Date(now).toISOString(),
  timeZone: 'UTC',
  signal: AbortSignal.timeout(checkTimeoutMs),
  key: 'doctor',
  limitMs: checkTimeoutMs,
});

export const faultOf = (part: string, what: string, advice: string): CheckResult => ({
  part,
  ok: false,
  what,
  advice,
});

/** A missing certificate file is a fault of the configuration. */
export async function orUnreadableResult(
  part: string,
  check: () => Promise<CheckResult[]>,
): Promise<CheckResult[]> {
  try {
    return await check();
  } catch (error) {
    if (!(error instanceof GatehouseError)) throw error;
    return [faultOf(part, messageOf(error), 'check the path of that file')];
  }
}

/** What to do about a tool's error; `section` is its section of the configuration. */
export function adviceFor(code: ErrorCode, section: string): string {
  switch (code) {
    case 'GH_TOOL_LOGIN':
      return `check username and password in ${section}; some providers want a password for apps`;
    case 'GH_TOOL_TIMEOUT':
      return 'it does not answer in time: is the machine on, and does its firewall let you in?';
    case 'GH_TOOL_NOT_FOUND':
      return `check the address in ${section}`;
    case 'GH_TOOL_UNREACHABLE':
      return `check the address in ${section}, and with a certificate of its own caFile or fingerprint256`;
    default:
      return 'something else answers there than was expected: check the address';
  }
}
