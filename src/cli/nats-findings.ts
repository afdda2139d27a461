/** NATS as the doctor sees it: whether it is there, lets us in, has what we need, and is new enough. */
import type { Config } from '../config/config.ts';
import { checkBus, type BusCheck } from '../messaging/bus-check.ts';
import type { BusProblem } from '../messaging/ports.ts';
import type { Finding } from './finding.ts';

/** The oldest with what the core uses. */
const versionMin = [2, 9, 0] as const;
/** All published faults are mended from these on, as of 2026-06-29. */
const patched = [
  [2, 12, 12],
  [2, 14, 3],
] as const;

const part = 'nats';

export async function checkNats({ nats, database }: Config, command?: string): Promise<Finding[]> {
  return findingsOf(await checkBus(nats, database, command), nats.mode);
}

function findingsOf(check: BusCheck, mode: Config['nats']['mode']): Finding[] {
  switch (check.state) {
    case 'off':
      return [{ part, ok: true, what: 'off: the core runs without it' }];
    case 'none':
      return [noneFinding(check.program, mode)];
    case 'refused': {
      const { url, problem } = check;
      const what = `${url === null ? '' : `${url}: `}${problem.message}`;
      return [{ part, ok: false, what, advice: adviceFor(problem) }];
    }
    case 'connected':
      return [
        versionFinding(check),
        ...(check.jetStreamProblem === null
          ? []
          : [
              {
                part,
                ok: false,
                what: `no JetStream: ${check.jetStreamProblem.message}`,
                advice: 'switch JetStream on for this account (jetstream {} in its configuration)',
              },
            ]),
        ...(check.denied.length === 0
          ? []
          : [
              {
                part,
                ok: false,
                what: `not allowed: ${check.denied.join(', ')}`,
                advice: 'give this user the permissions of docs/events.md',
              },
            ]),
      ];
  }
}

function noneFinding(program: string | null, mode: Config['nats']['mode']): Finding {
  if (program !== null) {
    return { part, ok: true, what: `the core starts a server of its own (nats-server ${program})` };
  }
  if (mode === 'child') {
    return {
      part,
      ok: false,
      what: 'nats.mode is child, but there is no nats-server on PATH',
      advice: 'install nats-server, or set nats.url',
    };
  }
  return {
    part,
    ok: true,
    what: 'none configured and no nats-server on PATH: the core runs without',
    advice: 'for chats and subscribers install nats-server, or set nats.url',
  };
}

function versionFinding(check: Extract<BusCheck, { state: 'connected' }>): Finding {
  const { url, version, ms } = check;
  const what = `${url}, nats-server ${version}, answers in ${Math.round(ms)} ms`;
  const found = version.split('.').map((one) => Number.parseInt(one, 10));
  if (isBefore(found, versionMin)) {
    const advice = `needs ${versionMin.join('.')} or newer`;
    return { part, ok: false, what, advice };
  }
  const [older, newer] = patched;
  const isPatched = found[1]! > older[1] ? !isBefore(found, newer) : !isBefore(found, older);
  if (isPatched) return { part, ok: true, what };
  const wanted = patched.map((one) => one.join('.')).join(' or ');
  return {
    part,
    ok: true,
    what,
    advice: `has faults that are mended in ${wanted}: upgrade it before others can reach it`,
  };
}

function isBefore(found: readonly number[], wanted: readonly number[]): boolean {
  const at = wanted.findIndex((number, index) => number !== (found[index] ?? 0));
  return at !== -1 && (found[at] ?? 0) < wanted[at]!;
}

function adviceFor({ code }: BusProblem): string {
  switch (code) {
    case 'GH_BUS_REFUSED':
      return 'check nats.user and nats.password, nats.token, or nats.credsFile';
    case 'GH_CONFIG_INVALID':
      return 'correct that key of the configuration';
    default:
      return 'is the server started, does it listen on this address, and does the certificate fit?';
  }
}
