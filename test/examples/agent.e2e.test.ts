/** examples/go/agent/agent.go, a caller of the agent protocol in another language, with the permissions of deploy/nats. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { agent } from '#test/events/agent/agent-fixture';
import { broker, natsCommand, openGatehouse } from '#test/events/nats-fixture';
import { until } from '#test/support/journal';
import { buildGo } from '#test/support/go-program';
import { hasNatsGo } from '#test/support/nats-go';
import { projectRoot } from '#test/support/project-root';

/** A Go build. */
const goMsMax = 120_000;

const caller = readFileSync(join(projectRoot, 'deploy', 'nats', 'agent-caller.conf'), 'utf8');
const users = `accounts { GATEHOUSE { jetstream: enabled, users: [
  { user: core, password: pw }
  { user: caller, password: pw, permissions: {
${caller}
  } }
] } }`;

interface Run {
  status: number | null;
  out: string;
  err: string;
}

async function run(program: string, args: string[], input: string): Promise<Run> {
  const child = spawn(program, args, { stdio: 'pipe' });
  onTestFinished(() => void child.kill('SIGKILL'));
  let [out, err] = ['', ''];
  child.stdout.on('data', (data: Buffer) => (out += data.toString()));
  child.stderr.on('data', (data: Buffer) => (err += data.toString()));
  child.stdin.end(input);
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, out, err };
}

test.skipIf(natsCommand === null || !hasNatsGo())(
  'a Go program finds the agent, prompts it, answers its question and reads its error',
  { timeout: goMsMax },
  async () => {
    const server = await broker({ config: users });
    const login = { user: 'core', password: 'pw' };
    const rig = await openGatehouse({ url: server.url, agent, ...login });
    await until(() => rig.messaging.status().bus === 'connected');
    const program = buildGo(join('go', 'agent', 'agent.go'));
    const ask = (words: string, input = ''): Promise<Run> =>
      run(program, [server.url, words, 'caller', 'pw', '_INBOX_caller'], input);

    expect(await ask('hello')).toMatchObject({ status: 0, out: 'answer to hello\n' });
    const draft = await ask('draft a', 'hm\nyes\n');
    const [, jobId = ''] = /^job (\S+)$/m.exec(draft.err) ?? [];
    const job = await rig.jobService.get(jobId);
    expect(job).toMatchObject({ outcome: 'answered', user_id: 'ann' });
    expect(draft).toMatchObject({ status: 0, out: `${job.reply}\n` });
    const refused = await ask(' ');
    expect(refused).toMatchObject({ status: 1, out: '', err: '400 The prompt is empty\n' });
  },
);
