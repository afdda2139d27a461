#!/usr/bin/env node
/**
 * Asks the registry for known vulnerabilities of the packages that run in production. Fails for one that is `high` or
 * `critical`. A registry that does not answer this request (a mirror, no network) is reported and is no failure; with
 * --strict it is one.
 */
import { spawnSync } from 'node:child_process';

const timeoutMs = 60_000;
const ran = spawnSync('npm', ['audit', '--omit=dev', '--json'], {
  cwd: new URL('..', import.meta.url),
  encoding: 'utf8',
  timeout: timeoutMs,
});

function read(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

const { vulnerabilities } = read(ran.stdout ?? '');
if (vulnerabilities === undefined) {
  console.log('audit: the registry does not answer; nothing is known');
  process.exitCode = process.argv.includes('--strict') ? 1 : 0;
} else {
  const bad = Object.values(vulnerabilities).filter(({ severity }) =>
    ['high', 'critical'].includes(severity),
  );
  for (const { name, severity, range } of bad) console.log(`audit: ${severity}: ${name} ${range}`);
  console.log(`audit: ${bad.length} packages with a serious hole`);
  process.exitCode = bad.length > 0 ? 1 : 0;
}
