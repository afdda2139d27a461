/** `gatehouse doctor`: looks at everything that the core, or a bridge alone, needs, and says what to do about each fault. */
import { loadConfig } from '../config/load-config.ts';
import type { Config } from '../config/config.ts';
import { messageOf } from '../lib/errors.ts';
import { checkBridge } from './bridge-findings.ts';
import { checkBackends } from './backend-findings.ts';
import { checkDatabase } from './database-findings.ts';
import type { Finding } from './finding.ts';
import { checkGates } from './gate-findings.ts';
import {
  checkCore,
  checkKeys,
  checkNode,
  checkRunningCore,
  checkTimeZone,
  checkTraces,
} from './machine-findings.ts';
import { checkNats } from './nats-findings.ts';
import { checkTools } from './tool-findings.ts';
import { checkSearch } from './search-findings.ts';

export async function doctor(
  configFile: string | undefined,
  json: boolean,
  sendTest?: string,
): Promise<number> {
  const findings: Finding[] = [];
  const config = checkConfig(configFile, findings);
  if (config !== null) {
    const core = await checkCore(config);
    const nats = await checkNats(config);
    findings.push(checkNode());
    if (nats.isOfBridge) findings.push(...nats.findings);
    else {
      findings.push(checkTimeZone(config), core.finding);
      if (core.isThere) findings.push(...(await checkRunningCore(config)));
      findings.push(...checkKeys(config));
      findings.push(...checkDatabase(config, core.isThere));
      findings.push(...nats.findings);
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
