/** Checks everything that the core, or a bridge alone, needs, and gives advice for each fault. */
import { loadConfig } from '#app/config/load-config';
import type { Config } from '#app/config/config';
import { messageOf } from '#shared/errors';
import { checkBridge } from './bridge-check.ts';
import { checkBackends } from './backend-check.ts';
import { checkDatabase } from './database-check.ts';
import type { CheckResult } from '#shared/check-result';
import { checkGates } from './gate-check.ts';
import {
  checkCore,
  checkKeys,
  checkNode,
  checkRunningCore,
  checkTimeZone,
  checkTraces,
} from './environment-check.ts';
import { checkMcp } from './mcp-check.ts';
import { checkNats } from './nats-check.ts';
import { checkNatsServers } from './nats-servers-check.ts';
import { checkPersons } from './persons-check.ts';
import { checkPostgres } from './postgres-check.ts';
import { checkSchedules } from './schedule-check.ts';
import { checkSearch } from './search-check.ts';
import { checkSessions } from './session-check.ts';
import { toolSettingsOf } from '#app/config/tool-settings';
import { configureTools } from '#tools/tool-declaration';
import { toolList } from '#tools/tool-list';

/** @param sendTest user or channel that gets a test message over the bridge; undefined: none is sent */
export async function runChecks(
  configFile: string | undefined,
  sendTest?: string,
): Promise<CheckResult[]> {
  const findings: CheckResult[] = [];
  const config = checkConfig(configFile, findings);
  if (config !== null) {
    const core = await checkCore(config);
    const nats = await checkNats(config);
    findings.push(checkNode());
    if (nats.isOfBridge) findings.push(...nats.results);
    else {
      findings.push(checkTimeZone(config), core.result);
      if (core.isThere) {
        findings.push(...(await checkRunningCore(config)), ...(await checkSchedules(config)));
      }
      findings.push(...checkKeys(config), ...checkSessions(config));
      findings.push(...checkDatabase(config, core.isThere));
      findings.push(...(await checkPostgres(config, core.isThere)));
      findings.push(...(await checkPersons(config)));
      findings.push(...nats.results);
      findings.push(...(await checkNatsServers(config)));
      findings.push(...(await checkBackends(config, core.isThere)));
      findings.push(...(await checkGates(config)));
      findings.push(...(await checkTools(config)));
      findings.push(...(await checkMcp(config)));
      findings.push(...(await checkTraces()));
      findings.push(...(await checkSearch(config, core.isThere)));
    }
    findings.push(...(await checkBridge(config, { isCoreThere: core.isThere, sendTest })));
  }
  return findings;
}

function checkConfig(configFile: string | undefined, findings: CheckResult[]): Config | null {
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

export const checkTools = (config: Config): Promise<CheckResult[]> =>
  configureTools(toolList, toolSettingsOf(config)).check();
