/**
 * Doctor check of NATS: whether the server is up, accepts the credentials, has the required features, and is new
 * enough.
 */
import type { Config } from '#app/config/config';
import { dataFolderOf } from '#app/config/database-settings';
import { diagnoseNats, type NatsDiagnosis } from '#events/connection/nats-diagnosis';
import type { NatsProblem } from '#events/messaging-port';
import { noServerAdvice } from '#events/connection/server-location';
import { configuredChannels } from './bridge-check.ts';
import type { CheckResult } from '#shared/check-result';

/** The oldest version with the features that the core uses. */
const versionMin = [2, 9, 0] as const;
/** All published vulnerabilities are fixed from these versions on, as of 2026-06-29. */
const patched = [
  [2, 12, 12],
  [2, 14, 3],
] as const;

const part = 'nats';

export interface NatsCheck {
  results: CheckResult[];
  /** The NATS user of this configuration is a bridge's: no core runs with it. */
  isOfBridge: boolean;
}

export async function checkNats(config: Config, command?: string): Promise<NatsCheck> {
  const { nats } = config;
  const [channel] = await configuredChannels(config);
  const isBridge = channel !== undefined;
  const check = await diagnoseNats({
    config: nats,
    dataFolder: dataFolderOf(config),
    channel: channel?.name ?? null,
    ...(command === undefined ? {} : { command }),
  });
  return {
    results: resultsOf(check, nats.mode, isBridge),
    isOfBridge: check.state === 'connected' && check.role === 'bridge',
  };
}

function resultsOf(
  check: NatsDiagnosis,
  mode: Config['nats']['mode'],
  isBridge: boolean,
): CheckResult[] {
  switch (check.state) {
    case 'off':
      return [{ part, ok: true, what: 'off: the core runs without it' }];
    case 'none':
      return [noServerResult(check.program, mode, isBridge)];
    case 'refused': {
      const { url, problem } = check;
      const what = `${url === null ? '' : `${url}: `}${problem.message}`;
      return [{ part, ok: false, what, advice: adviceFor(problem) }];
    }
    case 'connected':
      return [
        versionResult(check),
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
        ...(check.isQueueMissing
          ? [
              {
                part,
                ok: false,
                what: 'the core has made no queue of replies on this server',
                advice: 'start the core on the same server, with the same account and nats.prefix',
              },
            ]
          : []),
        ...(check.denied.length === 0
          ? []
          : [
              {
                part,
                ok: false,
                what: `not allowed: ${check.denied.join(', ')}`,
                advice: `give this user, which is the ${check.role}'s, the permissions of the ${check.role} in docs/events.md, section 8`,
              },
            ]),
      ];
  }
}

function noServerResult(
  program: string | null,
  mode: Config['nats']['mode'],
  isBridge: boolean,
): CheckResult {
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
  if (isBridge) {
    const what = 'none configured and no nats-server on PATH: the bridge cannot reach the core';
    return { part, ok: false, what, advice: noServerAdvice };
  }
  return {
    part,
    ok: true,
    what: 'none configured and no nats-server on PATH: the core runs without',
    advice: 'for chats and subscribers install nats-server, or set nats.url',
  };
}

function versionResult(check: Extract<NatsDiagnosis, { state: 'connected' }>): CheckResult {
  const { url, version, ms, role } = check;
  const whose = role === 'bridge' ? ", as the bridge's user" : '';
  const what = `${url}, nats-server ${version}, answers in ${Math.round(ms)} ms${whose}`;
  const found = version.split('.').map((one) => Number.parseInt(one, 10));
  if (isOlder(found, versionMin)) {
    const advice = `needs ${versionMin.join('.')} or newer`;
    return { part, ok: false, what, advice };
  }
  const [older, newer] = patched;
  const isPatched = found[1]! > older[1] ? !isOlder(found, newer) : !isOlder(found, older);
  if (isPatched) return { part, ok: true, what };
  const wanted = patched.map((one) => one.join('.')).join(' or ');
  return {
    part,
    ok: true,
    what,
    advice: `has faults that are mended in ${wanted}: upgrade it before others can reach it`,
  };
}

function isOlder(found: readonly number[], wanted: readonly number[]): boolean {
  const at = wanted.findIndex((number, index) => number !== (found[index] ?? 0));
  return at !== -1 && (found[at] ?? 0) < wanted[at]!;
}

function adviceFor({ code }: NatsProblem): string {
  switch (code) {
    case 'GH_BUS_REFUSED':
      return 'check nats.user and nats.password, nats.token, or nats.credsFile';
    case 'GH_CONFIG_INVALID':
      return 'correct that key of the configuration';
    default:
      return 'is the server started, does it listen on this address, and does the certificate fit?';
  }
}
