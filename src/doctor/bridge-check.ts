/**
 * Doctor check of the bridges to chats: what the channel itself checks, whether the bridge runs, and on request a test
 * message.
 */
import type { Config } from '#app/config/config';
import { channels, type Channel } from '#app/channels';
import { eventError } from '#machines/delivery';
import { messageOf } from '#shared/errors';
import { silentLog } from '#shared/log';
import { noServerAdvice } from '#events/connection/server-location';
import { reachableUrl } from '#http/client/core-client';
import { checkResultsOf, type CheckResult } from '#shared/check-result';
import type { ChannelAbilities, ChannelAdapter } from '#channels/channel-adapter-port';
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
  const { fine, fault } = checkResultsOf(channel.name);
  try {
    const { settings, adapter } = await channel.open(config, silentLog());
    const findings = [
      ...(await adapter.check()),
      fine(describeAbilities(channel, adapter.abilities)),
    ];
    findings.push(
      await checkProcess(channel, adapter, { url: reachableUrl(settings), config, isCoreThere }),
    );
    if (sendTest !== undefined) findings.push(await sendTestMessage(channel, adapter, sendTest));
    return findings;
  } catch (error) {
    return [fault(messageOf(error), `see docs/${channel.name}.md`)];
  }
}

function describeAbilities(
  { title }: Channel,
  { maxChars, charUnit, buttons, links, filesIn, filesOut, edits }: ChannelAbilities,
): string {
  const can = { buttons, links, 'files of users': filesIn, 'files in answers': filesOut, edits };
  const names = Object.entries(can).flatMap(([name, isAble]) => (isAble ? [name] : []));
  const unit = charUnit === 'code-points' ? 'characters' : `characters (${charUnit})`;
  return [`posts in ${title} have at most ${maxChars} ${unit}`, ...names].join(', ');
}

/** Whether the bridge itself runs at its address. */
async function checkProcess(
  { name }: Channel,
  adapter: ChannelAdapter,
  { url, config, isCoreThere }: { url: string; config: Config; isCoreThere: boolean },
): Promise<CheckResult> {
  const { fine, fault } = checkResultsOf(name);
  const { nats } = config;
  try {
    const { json } = await getJsonPage(`${url}/healthz`);
    const { nats: bus, outbox, uncertain, dead, chatProblem } = json as Record<string, unknown>;
    const what = `the bridge runs at ${url}: NATS ${String(bus)}, ${String(outbox)} replies wait, ${String(uncertain)} uncertain, ${String(dead)} dead`;
    const startsOne = isCoreThere ? noServerAdvice : `start the core; ${noServerAdvice}`;
    const advice = nats.url === null ? startsOne : 'the line about nats says what to do';
    if (bus !== 'connected') return fault(what, advice);
    if (typeof chatProblem !== 'string') return fine(what);
    return fault(
      `the bridge at ${url} gets no messages: ${chatProblem}`,
      adapter.adviceFor(chatProblem, adapter.targets.all[0]!),
    );
  } catch {
    return fine(`the bridge does not run at ${url}`, `start it with: gatehouse bridge ${name}`);
  }
}

async function sendTestMessage(
  { name }: Channel,
  adapter: ChannelAdapter,
  chatUser: string,
): Promise<CheckResult> {
  const { fine, fault } = checkResultsOf(name);
  const target = adapter.targets.all.find((one) => one.isPrivate && one.hasMember(chatUser));
  if (target === undefined) {
    return fault(`no bot may talk to ${chatUser}`, 'add the number to allowedUserIds');
  }
  const text = 'Gatehouse: 시험 메시지입니다. / This is a test message.';
  const post = {
    target,
    chatUser,
    text,
    buttons: null,
    key: `doctor:${Date.now()}`,
    answers: null,
    replaces: null,
  };
  const event = await adapter.deliver(post);
  if (event.type === 'posted') {
    return fine(`a test message was posted to ${chatUser} by ${target.name}`);
  }
  const error = eventError(event);
  const advice = error === '' ? 'try again in a moment' : adapter.adviceFor(error, target);
  return fault(`the test message to ${chatUser}: ${error || event.type}`, advice);
}
