/**
 * Doctor check of Synology Chat: the form of the addresses and tokens, whether the NAS answers and with which
 * certificate, and whether the configured users exist.
 */
import { checkResultsOf, type CheckResult } from '#shared/check-result';
import type { NasClient } from './nas-client.ts';
import type { SynologySettings } from './synology-config.ts';
import { tokenFromUrl, type Target, type Targets } from './targets.ts';

const { fine, fault } = checkResultsOf('synology');

export async function checkSynology(
  settings: SynologySettings,
  targets: Targets,
  nas: NasClient,
): Promise<CheckResult[]> {
  const findings = targets.all.flatMap(checkAddress);
  for (const target of targets.all) findings.push(...(await checkNas(target, nas, settings)));
  return [...findings, ...checkRefusals(settings)];
}

/** The form of the address, without a request. */
function checkAddress({ name, kind, url }: Target): CheckResult[] {
  const findings: CheckResult[] = [];
  const query = new URL(url).searchParams;
  const method = kind === 'bot' ? 'chatbot' : 'incoming';
  const add = (finding: typeof fault, what: string, advice: string): void =>
    void findings.push(finding(`${name}: ${what}`, advice));
  if (query.get('api') !== 'SYNO.Chat.External') {
    const advice = 'copy the incoming URL as Chat shows it';
    add(fault, 'the address is not one of the Chat API', advice);
  }
  if (query.get('method') !== method) {
    const advice = `a ${kind} needs the address with method=${method}`;
    add(fault, `the address is for method=${query.get('method') ?? 'nothing'}`, advice);
  }
  if (tokenFromUrl(url) === null) {
    add(fault, 'the address has no token', 'copy it whole, with the token');
  } else if (!/[?&]token=%22[^&]+%22/.test(url)) {
    const advice = 'newer versions of Chat refuse that with code 115: write token=%22…%22';
    add(fine, 'the token in the address stands without %22 around it', advice);
  }
  if (url.startsWith('http:')) {
    const advice = 'use https and port 5001, with caFile and fingerprint256';
    add(fine, 'the address is not encrypted', advice);
  }
  return findings;
}

async function checkNas(
  target: Target,
  nas: NasClient,
  settings: SynologySettings,
): Promise<CheckResult[]> {
  const { name, kind } = target;
  const who = `${name} (${target.server})`;
  const userIds = await nas.users(target);
  if (!userIds.ok) {
    return [fault(`${who}: ${userIds.error}`, adviceFor(userIds.error, target.server))];
  }
  const { ids } = userIds;
  const answers = fine(`${who}: answers, and knows ${ids.length} people`);
  const missing = peopleOf(target, settings).filter((id) => !ids.includes(id));
  if (missing.length === 0) return [answers];
  const others = kind === 'bot' ? '; the number in a webhook is another one' : '';
  const advice = `the numbers are: ${ids.slice(0, 20).join(', ')}${others}`;
  const what = `${name}: nobody in the chat has the number ${missing.join(', ')}`;
  return [answers, fault(what, advice)];
}

function peopleOf(target: Target, settings: SynologySettings): string[] {
  if (target.kind === 'channel') {
    const channel = settings.channels.find(
      ({ incomingUrl }) => incomingUrl === target.url && target.thread !== null,
    );
    return Object.values(channel?.userIdMap ?? {}).map(String);
  }
  const bot = settings.bots.find(({ name }) => name === target.name);
  return (bot?.allowedUserIds ?? settings.allowedUserIds).map(String);
}

/** Reported for DSM 7, but not for every version. */
function checkRefusals({ quietRefusals }: SynologySettings): CheckResult[] {
  if (quietRefusals) return [];
  const what =
    'Chat is told of each message that is refused: of one who is not allowed, or is too fast';
  const advice =
    'some versions of Chat then stop sending to the bot, for everybody, until its URL is saved again: quietRefusals: true answers 200';
  return [fine(what, advice)];
}

/** The advice for an error of the NAS or of the connection to it. `nas` is its origin. */
export function adviceFor(error: string, nas: string): string {
  const { host, hostname, port } = new URL(nas);
  const save = `openssl s_client -connect ${hostname}:${port || '443'} </dev/null | openssl x509 > nas.pem`;
  if (/SELF_SIGNED|UNABLE_TO_VERIFY|UNABLE_TO_GET_ISSUER/.test(error)) {
    return `save its certificate and name it as synology.caFile: ${save}`;
  }
  if (error.includes('CERT_HAS_EXPIRED')) {
    return `the certificate has expired, if the clock here is right: renew it on the NAS (Control Panel, Security, Certificate), save it anew (${save}) and set synology.fingerprint256`;
  }
  if (error.includes('CERT_NOT_YET_VALID')) {
    return `the certificate is not valid yet: set the clocks of this machine and of the NAS; if they are right, make it anew on the NAS and save it (${save})`;
  }
  if (error.includes('not the pinned one')) {
    return 'the certificate has changed: compare it on the NAS itself, then set synology.fingerprint256 anew';
  }
  if (error.includes('ALTNAME')) {
    return 'the certificate names another host: set synology.fingerprint256 to its SHA-256 (openssl x509 -in nas.pem -noout -fingerprint -sha256)';
  }
  if (/ECONNREFUSED|ENOTFOUND|EHOSTUNREACH|EAI_AGAIN|no connection/.test(error)) {
    return `is the NAS on, and is ${host} its address and port? DSM's firewall must let this machine in`;
  }
  if (error.includes('code 404')) return 'Chat does not know the token: was the bot removed?';
  if (error.includes('code 115')) return 'write the token as Chat shows it: token=%22…%22';
  if (error.includes('code 102')) return 'start the Chat package on the NAS';
  return 'compare the address with the one that Chat shows for the bot';
}
