/**
 * Doctor check of the Synology Chat bridge: the form of its addresses and tokens, whether the NAS answers and with
 * which certificate, whether the configured users exist, and on request a test message.
 */
import { createNasClient, type NasClient } from '#channels/synology/nas-client';
import { parseTargets, tokenFromUrl, type Target } from '#channels/synology/targets';
import type { Config } from '#app/config/config';
import { messageOf } from '#shared/errors';
import { noServerAdvice } from '#events/connection/server-location';
import { trustOf } from '#app/bridge';
import { reachableUrl } from '#http/client/core-client';
import type { CheckResult } from '#shared/check-result';
import { getJsonPage } from './json-page.ts';

const part = 'synology';

export const isBridgeWanted = ({ synology }: Config): boolean =>
  synology.incomingUrl !== null || synology.bots.length + synology.channels.length > 0;

export interface BridgeCheckOptions {
  /** A core answers on this machine. */
  isCoreThere?: boolean;
  /** The chat's user number that receives a test message. */
  sendTest?: string | undefined;
}

/** No result if no bridge is configured. */
export async function checkBridge(
  config: Config,
  { isCoreThere = false, sendTest }: BridgeCheckOptions = {},
): Promise<CheckResult[]> {
  const { synology } = config;
  if (!isBridgeWanted(config) && sendTest === undefined) return [];
  try {
    const targets = parseTargets(synology);
    const nas = createNasClient(trustOf(config));
    const findings = targets.all.flatMap(checkAddress);
    for (const target of targets.all) findings.push(...(await checkNas(target, nas, config)));
    findings.push(...checkRefusals(config), await checkProcess(config, isCoreThere));
    if (sendTest !== undefined) {
      const bot = targets.all.find(
        (one) => one.kind === 'bot' && one.resolveChatUser(sendTest) !== null,
      );
      findings.push(await sendTestMessage(bot ?? null, sendTest, nas));
    }
    return findings;
  } catch (error) {
    return [{ part, ok: false, what: messageOf(error), advice: 'see docs/synology.md' }];
  }
}

/** The form of the address, without a request. */
function checkAddress({ name, kind, url }: Target): CheckResult[] {
  const findings: CheckResult[] = [];
  const query = new URL(url).searchParams;
  const method = kind === 'bot' ? 'chatbot' : 'incoming';
  const addFault = (what: string, advice: string): void =>
    void findings.push({ part, ok: false, what: `${name}: ${what}`, advice });
  if (query.get('api') !== 'SYNO.Chat.External') {
    addFault('the address is not one of the Chat API', 'copy the incoming URL as Chat shows it');
  }
  if (query.get('method') !== method) {
    addFault(
      `the address is for method=${query.get('method') ?? 'nothing'}`,
      `a ${kind} needs the address with method=${method}`,
    );
  }
  if (tokenFromUrl(url) === null)
    addFault('the address has no token', 'copy it whole, with the token');
  else if (!/[?&]token=%22[^&]+%22/.test(url)) {
    findings.push({
      part,
      ok: true,
      what: `${name}: the token in the address stands without %22 around it`,
      advice: 'newer versions of Chat refuse that with code 115: write token=%22…%22',
    });
  }
  if (url.startsWith('http:')) {
    findings.push({
      part,
      ok: true,
      what: `${name}: the address is not encrypted`,
      advice: 'use https and port 5001, with caFile and fingerprint256',
    });
  }
  return findings;
}

async function checkNas(target: Target, nas: NasClient, config: Config): Promise<CheckResult[]> {
  const { name, kind } = target;
  const who = `${name} (${target.nas})`;
  const userIds = await nas.users(target);
  if (!userIds.ok) {
    const advice = adviceFor(userIds.error, target.nas);
    return [{ part, ok: false, what: `${who}: ${userIds.error}`, advice }];
  }
  const findings: CheckResult[] = [
    { part, ok: true, what: `${who}: answers, and knows ${userIds.ids.length} people` },
  ];
  const missing = peopleOf(target, config).filter((id) => !userIds.ids.includes(id));
  if (missing.length > 0) {
    findings.push({
      part,
      ok: false,
      what: `${name}: nobody in the chat has the number ${missing.join(', ')}`,
      advice: `the numbers are: ${userIds.ids.slice(0, 20).join(', ')}${kind === 'bot' ? '; the number in a webhook is another one' : ''}`,
    });
  }
  return findings;
}

function peopleOf(target: Target, { synology }: Config): string[] {
  if (target.kind === 'channel') {
    const channel = synology.channels.find(
      ({ incomingUrl }) => incomingUrl === target.url && target.thread !== null,
    );
    return Object.values(channel?.userIdMap ?? {}).map(String);
  }
  const bot = synology.bots.find(({ name }) => name === target.name);
  return (bot?.allowedUserIds ?? synology.allowedUserIds).map(String);
}

/** Reported for DSM 7, but not for every version. */
function checkRefusals({ synology }: Config): CheckResult[] {
  if (synology.quietRefusals) return [];
  const what =
    'Chat is told of each message that is refused: of one who is not allowed, or is too fast';
  const advice =
    'some versions of Chat then stop sending to the bot, for everybody, until its URL is saved again: quietRefusals: true answers 200';
  return [{ part, ok: true, what, advice }];
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

/** Whether the bridge itself runs at its address. */
async function checkProcess(
  { synology, nats }: Config,
  isCoreThere: boolean,
): Promise<CheckResult> {
  const url = reachableUrl(synology);
  try {
    const { json } = await getJsonPage(`${url}/healthz`);
    const { nats: bus, outbox, uncertain, dead } = json as Record<string, unknown>;
    const what = `the bridge runs at ${url}: NATS ${String(bus)}, ${String(outbox)} replies wait, ${String(uncertain)} uncertain, ${String(dead)} dead`;
    const startsOne = isCoreThere ? noServerAdvice : `start the core; ${noServerAdvice}`;
    const advice = nats.url === null ? startsOne : 'the line about nats says what to do';
    return bus === 'connected' ? { part, ok: true, what } : { part, ok: false, what, advice };
  } catch {
    return {
      part,
      ok: true,
      what: `the bridge does not run at ${url}`,
      advice: 'start it with: gatehouse bridge synology',
    };
  }
}

async function sendTestMessage(
  bot: Target | null,
  chatUser: string,
  nas: NasClient,
): Promise<CheckResult> {
  if (bot === null) {
    return {
      part,
      ok: false,
      what: `no bot may talk to ${chatUser}`,
      advice: 'add the number to allowedUserIds',
    };
  }
  const text = 'Gatehouse: 시험 메시지입니다. / This is a test message.';
  const event = await nas.post(bot, { text, chatUser, buttons: null });
  return event.type === 'posted'
    ? { part, ok: true, what: `a test message was posted to ${chatUser} by ${bot.name}` }
    : {
        part,
        ok: false,
        what: `the test message to ${chatUser}: ${'error' in event ? event.error : event.type}`,
        advice: 'error' in event ? adviceFor(event.error, bot.nas) : 'try again in a moment',
      };
}
