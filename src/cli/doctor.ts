/** `gatehouse doctor`: looks at everything the core needs, and says what to do about each fault. */
import { reachableUrl } from './core-client.ts';
import { createProbe } from '../backends/probe.ts';
import { discoverBackends } from '../backends/discovery.ts';
import { loadConfig } from '../config/load-config.ts';
import type { Config } from '../config/config.ts';
import { GatehouseError, messageOf } from '../lib/errors.ts';
import { openDatabase } from '../store/database.ts';
import type { Finding } from './finding.ts';
import { checkGates } from './gate-findings.ts';

export async function doctor(configFile: string | undefined, json: boolean): Promise<number> {
  const findings: Finding[] = [];
  const config = checkConfig(configFile, findings);
  if (config !== null) {
    findings.push(await checkCore(config));
    findings.push(await checkDatabase(config, findings));
    findings.push(...(await checkBackends(config)));
    findings.push(...(await checkGates(config)));
  }
  if (json) console.log(JSON.stringify(findings));
  else for (const finding of findings) console.log(lineOf(finding));
  return findings.every((finding) => finding.ok) ? 0 : 1;
}

const lineOf = ({ part, ok, what, advice }: Finding): string =>
  `${ok ? '✓' : '✗'} ${part.padEnd(12)} ${what}${advice === undefined ? '' : `\n  → ${advice}`}`;

function checkConfig(configFile: string | undefined, findings: Finding[]): Config | null {
  try {
    const { config, file } = loadConfig(configFile);
    findings.push({ part: 'config', ok: true, what: file ?? 'embedded defaults' });
    return config;
  } catch (error) {
    findings.push({
      part: 'config',
      ok: false,
      what: messageOf(error),
      advice: 'gatehouse.example.yaml shows every key with its default',
    });
    return null;
  }
}

async function checkCore({ server }: Config): Promise<Finding> {
  const url = reachableUrl(server);
  try {
    const response = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(2_000) });
    return response.ok
      ? { part: 'core', ok: true, what: `runs at ${url}` }
      : {
          part: 'core',
          ok: false,
          what: `${url} answers ${response.status}`,
          advice: 'is something else on this port? set server.port',
        };
  } catch {
    return {
      part: 'core',
      ok: true,
      what: `does not run at ${url}`,
      advice: 'start it with: gatehouse serve',
    };
  }
}

async function checkDatabase(config: Config, findings: Finding[]): Promise<Finding> {
  const part = 'database';
  try {
    const database = await openDatabase({ path: config.database });
    await database.close();
    return { part, ok: true, what: config.database };
  } catch (error) {
    const code = error instanceof GatehouseError ? error.code : '';
    const isRunning = findings.some((one) => one.part === 'core' && one.what.startsWith('runs'));
    if (code === 'GH_STORE_LOCKED' && isRunning) {
      return { part, ok: true, what: `${config.database}, in use by the running core` };
    }
    const advice =
      code === 'GH_STORE_LOCKED'
        ? 'another gatehouse owns it: stop that one, or set another `database`'
        : 'check the path, its permissions and the free disk space';
    return { part, ok: false, what: messageOf(error), advice };
  }
}

async function checkBackends(config: Config): Promise<Finding[]> {
  if (config.backends.length === 0) {
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
      part: 'backend',
      ok: true,
      what: `found ${kind} on port ${port}: ${models.join(', ')}`,
    }));
  }
  return Promise.all(
    config.backends.map(async (backend): Promise<Finding> => {
      const probe = createProbe(backend);
      const result = await probe.check();
      await probe.close();
      const who = `${backend.id} (${backend.kind}, ${backend.model})`;
      return result.ok
        ? { part: 'backend', ok: true, what: `${who} answers in ${Math.round(result.ms)} ms` }
        : {
            part: 'backend',
            ok: false,
            what: `${who}: ${result.errorReason}, ${result.message}`,
            advice: adviceFor(result.errorReason, backend.baseUrl),
          };
    }),
  );
}

function adviceFor(errorReason: string, baseUrl: string): string {
  switch (errorReason) {
    case 'connect_refused':
      return `nothing listens at ${baseUrl}: is the server started, and does it listen on this address?`;
    case 'dns':
      return `the host name in ${baseUrl} cannot be found: check it, or use the address`;
    case 'connect_timeout':
      return `${baseUrl} does not answer at all: is the machine on, and does its firewall let you in?`;
    case 'loading':
      return 'the model is being loaded; try again in a moment';
    default:
      return 'look at the log of the model server';
  }
}
