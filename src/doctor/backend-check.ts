/**
 * Doctor check of the model servers: whether each is up, has its model, streams, and calls tools if its role needs
 * them. One short request per server; if a core runs, through its gate, because we must never send a server two
 * requests at once (P6). For one of several workers none without its gate: others may use the server.
 */
import { isSameServer, type BackendConfig } from '#models/backend-config';
import { discoverBackends } from '#models/discovery/discovery';
import { createProbe } from '#models/health/probe';
import type { Config } from '#app/config/config';
import type { ErrorReason, ModelRequest } from '#shared/model/model';
import type { CheckResult } from '#shared/check-result';
import { probeViaCore } from './probe-via-core.ts';
import { checkRunningBackends } from './running-backends-check.ts';
import { probeDirect, type RequestProbe } from './probe-direct.ts';

const part = 'backend';

/** A large model that must first be loaded from disk needs minutes; a longer wait means that the server hangs. */
const answerMsMax = 120_000;

/** Long enough to arrive in several chunks, short enough for a quick check. */
const question: ModelRequest = {
  messages: [{ role: 'user', content: 'Count from 1 to 10, separated by spaces. Nothing else.' }],
  maxTokens: 40,
  temperature: 0,
  thinking: false,
};

const toolQuestion: ModelRequest = {
  messages: [{ role: 'user', content: 'What time is it? Use the tool.' }],
  maxTokens: 200,
  temperature: 0,
  thinking: false,
  tools: [
    {
      type: 'function',
      function: {
        name: 'get_time',
        description: 'Tells the time.',
        parameters: { type: 'object', properties: {}, required: [] },
      },
    },
  ],
  toolChoice: 'auto',
};

/** `isCoreThere`: a core answers at the configured address. */
export async function checkBackends(config: Config, isCoreThere: boolean): Promise<CheckResult[]> {
  if (config.backends.length === 0) {
    return (isCoreThere ? await checkRunningBackends(config) : null) ?? checkDiscovered();
  }
  const all = serversOf(config.backends).map(async (backends) => {
    const findings = sharedServerResult(backends);
    for (const backend of backends) {
      findings.push(...(await checkBackend(backend, config, isCoreThere)));
    }
    return findings;
  });
  return (await Promise.all(all)).flat();
}

/** Groups the backends by server. */
function serversOf(backends: readonly BackendConfig[]): BackendConfig[][] {
  const servers: BackendConfig[][] = [];
  for (const backend of backends) {
    const same = servers.find(([first]) => isSameServer(first!.baseUrl, backend.baseUrl));
    if (same) same.push(backend);
    else servers.push([backend]);
  }
  return servers;
}

function sharedServerResult(backends: readonly BackendConfig[]): CheckResult[] {
  if (backends.length < 2) return [];
  const ids = backends.map(({ id }) => id).join(' and ');
  const atOnce = backends.reduce((sum, { concurrency }) => sum + concurrency, 0);
  return [
    {
      part,
      ok: true,
      what: `${ids} are one server, each with a gate of its own`,
      advice: `be sure that it runs ${atOnce} at once, or give their roles to one backend`,
    },
  ];
}

async function checkDiscovered(): Promise<CheckResult[]> {
  const found = await discoverBackends();
  if (found.length === 0) {
    return [
      {
        part: 'backends',
        ok: true,
        what: 'none configured, none found on the usual ports: the practice model answers',
        advice: 'start a local server such as Ollama, or set `backends`',
      },
    ];
  }
  return found.map(({ kind, port, models }) => ({
    part,
    ok: true,
    what: `found ${kind} on port ${port}: ${models.join(', ')}`,
  }));
}

async function checkBackend(
  backend: BackendConfig,
  config: Config,
  isCoreThere: boolean,
): Promise<CheckResult[]> {
  const who = `${backend.id} (${backend.kind}, ${backend.model})`;
  const probe = createProbe(backend);
  const health = await probe.check();
  await probe.close();
  if (!health.ok) {
    const { errorReason, message } = health;
    const what = `${who}: ${errorReason}, ${message}`;
    return [{ part, ok: false, what, advice: adviceFor(errorReason, backend.baseUrl) }];
  }
  if (config.cluster !== null && !isCoreThere) {
    // The gate is that of the workers: a request without its permit can be the second one, and a gate proxy refuses it.
    const what = `${who} lives; no request was sent, because no worker runs at this address`;
    const advice = 'run the doctor with the configuration of a running worker, whose gate it uses';
    return [{ part, ok: true, what, advice }];
  }
  const probeRequest = (request: ModelRequest): Promise<RequestProbe> =>
    isCoreThere
      ? probeViaCore(config, backend.id, request, answerMsMax)
      : probeDirect(backend, request, answerMsMax);
  const probed = await probeRequest(question);
  if (!probed.outcome.ok) {
    const { errorReason, message } = probed.outcome;
    const what = `${who} lives, but does not answer: ${errorReason}, ${message}`;
    return [{ part, ok: false, what, advice: adviceFor(errorReason, backend.baseUrl) }];
  }
  const findings = [answerResult(who, Math.round(health.ms), probed)];
  // Without a `react` role the first backend gets the tool calls.
  const reacts = (config.roles.react ?? config.backends[0]?.id) === backend.id;
  if (config.roles.react !== undefined && reacts)
    findings.push(toolResult(who, await probeRequest(toolQuestion)));
  return findings;
}

function answerResult(
  who: string,
  healthMs: number,
  { pieces, firstMs }: RequestProbe,
): CheckResult {
  const first = firstMs === null ? '' : `, first word after ${Math.round(firstMs)} ms`;
  const what = `${who} answers in ${healthMs} ms${first}`;
  if (pieces > 1) return { part, ok: true, what: `${what}, streams` };
  return {
    part,
    ok: true,
    what: `${what}, in one piece`,
    advice: 'it does not stream: people see nothing while it writes, and a cancel is noticed late',
  };
}

function toolResult(who: string, { outcome }: RequestProbe): CheckResult {
  const advice =
    'for roles.react take a model that calls tools, and start its server so that it reads them (llama.cpp: --jinja; vLLM: --enable-auto-tool-choice)';
  if (!outcome.ok) {
    return { part, ok: false, what: `${who}: refuses tools, ${outcome.errorReason}`, advice };
  }
  return outcome.toolCalls.length > 0
    ? { part, ok: true, what: `${who} calls tools` }
    : { part, ok: false, what: `${who} was offered a tool and did not call it`, advice };
}

function adviceFor(errorReason: string, baseUrl: string): string {
  switch (errorReason as ErrorReason) {
    case 'connect_refused':
      return `nothing listens at ${baseUrl}: is the server started, and does it listen on this address?`;
    case 'dns':
      return `the host name in ${baseUrl} cannot be found: check it, or use the address`;
    case 'connect_timeout':
      return `${baseUrl} does not answer at all: is the machine on, and does its firewall let you in?`;
    case 'loading':
      return 'the model is being loaded; try again in a moment';
    case 'http_4xx':
      return 'it refuses the request: check model (does the server have it?) and apiKey of this backend';
    case 'timeout_first_token':
    case 'timeout_idle':
    case 'timeout_total':
    case 'cancelled':
      return 'it is too slow or hangs: look at its log, or raise timeoutsMs of this backend';
    case 'empty_answer':
    case 'unclosed_thinking':
      return 'it wrote nothing that can be shown: is this a model for chats, and does its template fit?';
    default:
      return 'look at the log of the model server';
  }
}
