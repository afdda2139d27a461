/**
 * Runs the commands of the pages one after another, in its working directory and environment, and prints one line of
 * JSON for each. It has a network namespace of its own (page-commands.e2e.test.ts), so that the ports that the pages
 * name are free.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { pageBlocks } from './page-blocks.ts';

/** Commands that run until they are stopped, with their output or port when they are ready. */
const services: { line: RegExp; port?: number; prints?: RegExp }[] = [
  { line: /^npm ci && npm start$/, port: 8100 },
  { line: /^npx gatehouse serve$/, port: 8100 },
  { line: /^npx gatehouse bridge synology$/, port: 8101 },
  { line: /^npx gatehouse fake-dsm$/, prints: /^synology:\n(?: +.*\n)+/m },
  { line: /^npx gatehouse fake-telegram$/, prints: /^telegram:\n(?: +.*\n)+/m },
  { line: /^node examples\/subscribe\.mjs$/, prints: /^\S+:1 ack /m },
];
const limitMs = 60_000;

const running: { line: string; child: ChildProcess }[] = [];

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => (socket.destroy(), resolve(true)));
    socket.once('error', () => resolve(false));
  });

async function stop(isThis: (line: string) => boolean): Promise<void> {
  for (const { line, child } of running.toReversed()) {
    if (!isThis(line) || child.exitCode !== null || child.signalCode !== null) continue;
    const ended = new Promise((resolve) => void child.once('exit', resolve));
    process.kill(-child.pid!, 'SIGINT');
    await ended;
  }
}

/** The instruction of docs/fake-dsm.md: the printed lines go into gatehouse.yaml. */
function takeAdvice(said: string): void {
  const [lines] = /^synology:\n(?: +.*\n)+/m.exec(said) ?? [];
  if (lines !== undefined) writeFileSync('gatehouse.yaml', lines);
}

/** Starts the service and waits until it is ready. Returns the error, or null. */
async function startService(line: string): Promise<string | null> {
  const service = services.find((one) => one.line.test(line))!;
  // A second core replaces the first.
  if (service.port === 8100) await stop((other) => /npm start|serve$/.test(other));
  const child = spawn('sh', ['-c', line], { detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  running.push({ line, child });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data: Buffer) => (said += data.toString()));
  }
  const deadline = Date.now() + limitMs;
  for (;;) {
    if (service.prints?.test(said) ?? (await isOpen(service.port!))) {
      takeAdvice(said);
      return null;
    }
    if (child.exitCode !== null || Date.now() > deadline) return said;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

function runToEnd(text: string): string | null {
  const ran = spawnSync('sh', ['-ec', text], { encoding: 'utf8', timeout: limitMs });
  if (ran.status === 0 && !/GH_[A-Z_]+/.test(ran.stdout)) return null;
  return `ended with ${ran.status}: ${ran.stdout}${ran.stderr}`;
}

spawnSync('ip', ['link', 'set', 'lo', 'up'], { timeout: limitMs });
for (const { page, text } of pageBlocks(process.cwd())) {
  const lines = text.split('\n');
  const areServices = lines.every((line) => services.some((one) => one.line.test(line)));
  const faults: (string | null)[] = [];
  if (process.argv.slice(2).includes(text)) faults.push('left out');
  else if (areServices) for (const line of lines) faults.push(await startService(line));
  else faults.push(runToEnd(text));
  console.log(JSON.stringify({ page, text, fault: faults.find((one) => one !== null) ?? null }));
}
await stop(() => true);
