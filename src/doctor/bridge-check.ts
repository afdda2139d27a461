/**
 * Doctor check of the bridges to chats: what the channel itself checks, whether the bridge runs, and on request a test
 * message.
 */
import type { Config } from '#app/config/config';
import { channels, type Channel, type OpenChannel } from '#app/channels';
import { eventError } from '#machines/delivery';
import { messageOf } from '#shared/errors';
import { silentLog } from '#shared/log';
import { noServerAdvice } from '#events/connection/server-location';
import { reachableUrl } from '#http/client/core-client';
import type { CheckResult } from '#shared/check-result';
import { getJsonPage } from './json-page.ts';

export interface BridgeCheckOptions {
  /** A core answers on this machine. */
  isCoreThere?: boolean;
  /** The chat's id of the user who receives a test message. */
  sendTest?: string | undefined;
  /** For tests: in place of those of src/app/channels.ts. */
  channels?: readonly Channel[];
}

/** The channels that this configuration names a bot of. */
export async function configuredChannels(
  config: Config,
  all: readonly Channel[] = channels,
): Promise<Channel[]> {
  const configured = await Promise.all(all.map((channel) => channel.isConfigured(config)));
  return all.filter((_, index) => configured[index]);
}

/** No result if no bridge is configured. */
export async function checkBridge(
  config: Config,
  options: BridgeCheckOptions = {},
): Promise<CheckResult[]> {
  const configured = await configuredChannels(config, options.channels);
  const isAsked = configured.length === 0 && options.sendTest !== undefined;
  const checked = isAsked ? (options.channels ?? channels) : configured;
  return (await Promise.all(checked.map((one) => checkChannel(one, config, options)))).flat();
}

async function checkChannel(
  channel: Channel,
  config: Config,
  { isCoreThere = false, sendTest }: BridgeCheckOptions,
): Promise<CheckResult[]> {
  try {
    const opened = await channel.open(config, silentLog());
    const findings = await opened.adapter.check();
    findings.push(await checkProcess(opened, config, isCoreThere));
    if (sendTest !== undefined) findings.push(await sendTestMessage(opened, sendTest));
    return findings;
  } catch (error) {
    const { name: part } = channel;
    return [{ part, ok: false, what: messageOf(error), advice: `see docs/${part}.md` }];
  }
}

/** Whether the bridge itself runs at its address. */
async function checkProcess(
  { name: part, settings }: OpenChannel,
  { nats }: Config,
  isCoreThere: boolean,
): Promise<CheckResult> {
  const url = reachableUrl(settings);
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
      advice: `start it with: gatehouse bridge ${part}`,
    };
  }
}

async function sendTestMessage(
  { name: part, adapter }: OpenChannel,
  chatUser: string,
): Promise<CheckResult> {
  const target = adapter.targets.all.find((one) => one.isPrivate && one.hasMember(chatUser));
  if (target === undefined) {
    return {
      part,
      ok: false,
      what: `no bot may talk to ${chatUser}`,
      advice: 'add the number to allowedUserIds',
    };
  }
  const text = 'Gatehouse: 시험 메시지입니다. / This is a test message.';
  const key = `doctor:${Date.now()}`;
  const event = await adapter.deliver({
    target,
    chatUser,
    text,
    buttons: null,
    key,
    replaces: null,
  });
  const error = eventError(event);
  return event.type === 'posted'
    ? { part, ok: true, what: `a test message was posted to ${chatUser} by ${target.name}` }
    : {
        part,
        ok: false,
        what: `the test message to ${chatUser}: ${error || event.type}`,
        advice: error === '' ? 'try again in a moment' : adapter.adviceFor(error, target),
      };
}
