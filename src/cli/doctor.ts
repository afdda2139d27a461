/** `gatehouse doctor`: checks everything that the core, or a bridge alone, needs, and gives advice for each fault. */
import { loadConfig } from '../config/load-config.ts';
import type { Config } from '../config/config.ts';
import { messageOf } from '../lib/errors.ts';
import { checkBridge } from './bridge-check.ts';
import { checkBackends } from './backend-check.ts';
import { checkDatabase } from './database-check.ts';
import type { CheckResult } from './check-result.ts';
import { checkGates } from './gate-check.ts';
import {
  checkCore,
  checkKeys,
  checkNode,
  checkRunningCore,
  checkTimeZone,
  checkTraces,
} from './environment-check.ts';
import { checkNats } from './nats-check.ts';
import { checkTools } from './tools-check.ts';
import { checkSearch } from './search-check.ts';

export async function doctor(
  configFile: string | undefined,
  json: boolean,
  sendTest?: string,
): Promise<number> {
  const findings: CheckResult[] = [];
  const config = checkConfig(configFile, findings);
  if (config !== null) {
    const core = await checkCore(config);
    const nats = await checkNats(config);
    findings.push(checkNode());
    if (nats.isOfBridge) findings.push(...nats.results);
    else {
      findings.push(checkTimeZone(config), core.result);
      if (core.isThere) findings.push(...(await checkRunningCore(config)));
      findings.push(...checkKeys(config));
      findings.push(...checkDatabase(config, core.isThere));
      findings.push(...nats.results);
      findings.push(...(await checkBackends(config, core.isThere)));
      findings.push(...(await checkGates(config)));
      findings.push(...(await checkTools(config)));
      findings.push(...(await checkTraces()));
      findings.push(...(await checkSearch(config, core.isThere)));
    }
    findings.push(...(await checkBridge(config, { isCoreThere: core.isThere, sendTest })));
  }
  if (json) console.log(JSON.stringify(findings));
  else for (const finding of findings) console.log(lineOf(finding));
  return findings.every((finding) => finding.ok) ? 0 : 1;
}

const lineOf = ({ part, ok, what, advice }: CheckResult): string =>
  `${ok ? '✓' : '✗'} ${part.padEnd(12)} ${what}${advice === undefined ? '' : `\n  → ${advice}`}`;

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
