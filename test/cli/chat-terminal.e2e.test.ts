/** `gatehouse chat` in a real terminal (tmux), with a real core: drafts, pastes, Korean, keys, restarts. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { direct, openCore, routed, type CoreFixture } from '#test/support/core';
import { saysJson, stallsAfter } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';
import { openTmux, tmuxMissing, type Tmux } from '#test/support/tmux';
import { projectRoot } from '#test/support/project-root';

const bin = join(projectRoot, 'src', 'cli', 'gatehouse.ts');
const history = (): string => join(fixture.folder, 'state', 'gatehouse', 'chat-history');

let fixture: CoreFixture;
let terminals: Tmux[];
beforeEach(async () => {
  fixture = await openCore();
  terminals = [];
});
afterEach(async () => {
  for (const terminal of terminals) terminal.close();
  await fixture.close();
});

function open(lang: 'en' | 'ko' = 'ko', width = 60): Tmux {
  const argv = [process.execPath, bin, 'chat', '--url', fixture.core.url];
  const terminal = openTmux(argv, {
    folder: fixture.folder,
    width,
    height: 24,
    env: {
      LC_ALL: lang === 'ko' ? 'ko_KR.UTF-8' : 'en_US.UTF-8',
      XDG_STATE_HOME: join(fixture.folder, 'state'),
    },
  });
  terminals.push(terminal);
  return terminal;
}

const shows = (terminal: Tmux, text: string | RegExp): Promise<void> =>
  until(() =>
    typeof text === 'string' ? terminal.text().includes(text) : text.test(terminal.text()),
  );
/** The last row that is not empty. */
const lastRow = (terminal: Tmux): string => terminal.rows().findLast((row) => row !== '') ?? '';
const asks = (terminal: Tmux, question: string): Promise<void> =>
  until(() => lastRow(terminal).trimEnd() === question);

async function opened(lang: 'en' | 'ko' = 'ko', width = 60): Promise<Tmux> {
  const terminal = open(lang, width);
  await asks(terminal, lang === 'ko' ? '나>' : 'you>');
  return terminal;
}

async function say(terminal: Tmux, text: string): Promise<void> {
  terminal.type(text);
  await until(() => terminal.text().includes(text));
  terminal.key('Enter');
}

const wants = (title: string) =>
  saysJson({
    action: 'tools',
    tool: 'calendar',
    operation: 'create_draft',
    params: { title, date: '2031-03-05', time: '15:00' },
  });

const messages = async (): Promise<string[]> =>
  (await fixture.client.jobs({ texts: '1' })).jobs.map(({ message }) => message).toReversed();
const jobOf = async (message: string): Promise<string> =>
  (await fixture.client.jobs({})).jobs.find((job) => job.message === message)!.job_id;

async function shownDraft(terminal: Tmux, title: string): Promise<string> {
  fixture.small.script(wants(title));
  await say(terminal, `2031년 3월 5일 3시에 ${title} 잡아줘`);
  await asks(terminal, '확인/취소>');
  return jobOf(`2031년 3월 5일 3시에 ${title} 잡아줘`);
}
const outcome = async (id: string) => (await fixture.client.job(id)).outcome;
const state = async (id: string) => (await fixture.client.job(id)).state;

describe.skipIf(tmuxMissing() !== null)('a draft in the terminal', () => {
  test('is confirmed by a yes, also while a newer draft of another client waits', async () => {
    const terminal = await opened();
    const shown = await shownDraft(terminal, '치과');
    fixture.small.script(wants('미용실'));
    const newer = await fixture.client.submit({
      message: '2031년 3월 5일 3시에 미용실 잡아줘',
      user_id: 'local',
      channel: 'terminal',
    });
    await until(async () => (await state(newer)) === 'confirm-draft');
    await say(terminal, '네');
    await until(async () => (await outcome(shown)) === 'answered');
    expect(await state(newer)).toBe('confirm-draft');
  });

  test('that is cancelled elsewhere is announced above the input line, and the next yes is not sent', async () => {
    const terminal = await opened();
    const shown = await shownDraft(terminal, '치과');
    terminal.type('네');
    await shows(terminal, '확인/취소> 네');
    await fixture.client.controlJob(shown, 'cancel');
    await shows(terminal, '더 이상 답을 기다리지 않습니다');
    await asks(terminal, '나> 네');
    terminal.key('Enter');
    await shows(terminal, '답을 보내지 않았습니다');
    expect(await messages()).toHaveLength(1);
  });

  test('that is changed elsewhere is shown again, and a yes confirms the new version', async () => {
    const terminal = await opened();
    const shown = await shownDraft(terminal, '치과');
    await fixture.client.submit({ message: '4시로 바꿔', user_id: 'local', channel: 'terminal' });
    await shows(terminal, /바뀌었습니다[\s\S]*16:00[\s\S]*확인\/취소>/);
    await say(terminal, '네');
    await until(async () => (await outcome(shown)) === 'answered');
  });

  test('of a conversation that /new began is shown by the next chat, and a yes confirms it', async () => {
    const first = await opened();
    await say(first, '/new');
    await asks(first, '나>');
    const draft = await shownDraft(first, '치과');
    first.close();
    terminals = [];
    const second = open();
    await asks(second, '확인/취소>');
    await say(second, '네');
    await until(async () => (await outcome(draft)) === 'answered');
    expect(await messages()).toHaveLength(1);
  });

  test('is not confirmed by a yes that was typed before it was shown: the yes returns to the input line', async () => {
    const terminal = await opened();
    fixture.small.script(wants('치과'));
    terminal.type('2031년 3월 5일 3시에 치과 잡아줘');
    terminal.key('Enter');
    terminal.type('네');
    terminal.key('Enter');
    await asks(terminal, '확인/취소> 네');
    const id = await jobOf('2031년 3월 5일 3시에 치과 잡아줘');
    expect(await state(id)).toBe('confirm-draft');
    terminal.key('Enter');
    await until(async () => (await outcome(id)) === 'answered');
  });

  test('still waits after another message, and after the chat was left and opened again', async () => {
    const terminal = await opened();
    const shown = await shownDraft(terminal, '치과');
    fixture.small.script(direct('맑습니다'));
    await say(terminal, '날씨는 어때');
    await shows(terminal, /맑습니다[\s\S]*아직 답을 기다리는[\s\S]*확인\/취소>/);
    terminal.key('C-d');
    await until(() => terminal.exitCode() === 0);
    terminal.close();
    terminals = [];
    const again = open();
    await asks(again, '확인/취소>');
    await say(again, '취소');
    await until(async () => (await outcome(shown)) === 'declined');
    await asks(again, '나>');
  });

  test('is not confirmed by a yes if the terminal has not shown it', async () => {
    const terminal = await opened();
    fixture.small.script(wants('치과'));
    const elsewhere = await fixture.client.submit({
      message: '2031년 3월 5일 3시에 치과 잡아줘',
      user_id: 'local',
      channel: 'terminal',
    });
    await until(async () => (await state(elsewhere)) === 'confirm-draft');
    fixture.small.script(direct('무엇을요?'));
    await say(terminal, '네');
    await shows(terminal, '무엇을요?');
    expect(await state(elsewhere)).toBe('confirm-draft');
  });
});

describe.skipIf(tmuxMissing() !== null)('the input line', () => {
  test('takes a paste of several lines as one message in composed Hangul, and only Enter sends it', async () => {
    const terminal = await opened();
    fixture.small.script(direct('네'));
    terminal.paste('첫째 줄\n\t둘째 줄\n셋째'.normalize('NFD') + '\u001b[31m!\n');
    await shows(terminal, '셋째!');
    expect(await messages()).toEqual([]);
    terminal.type('?');
    terminal.key('Enter');
    await until(async () => (await messages()).length === 1);
    expect(await messages()).toEqual(['첫째 줄\n\t둘째 줄\n셋째!?']);
  });

  test('shows a long paste as a placeholder and sends its text', async () => {
    const terminal = await opened('en');
    fixture.small.script(direct('ok'));
    const text = Array.from({ length: 60 }, (_, at) => `line ${at} of a long text`).join('\n');
    terminal.type('Look: ');
    terminal.paste(text);
    await asks(terminal, `you> Look: [pasted 1: 60 lines, ${text.length} characters]`);
    terminal.key('Enter');
    await until(async () => (await messages()).length === 1);
    expect(await messages()).toEqual([`Look: ${text}`]);
  });

  test('keeps lines typed ahead, draws no prompt into the answer, and sends the lines in order', async () => {
    const terminal = await opened();
    fixture.small.script(routed, direct('둘째 답'), direct('셋째 답'));
    fixture.large.script(stallsAfter('첫째 답의 시작'));
    await say(terminal, '왜 하늘은 파래?');
    await shows(terminal, '첫째 답의 시작');
    terminal.type('둘째 질문');
    terminal.key('Enter');
    terminal.type('셋째 질문');
    terminal.key('Enter');
    terminal.type('남은 글');
    terminal.key('C-c');
    await asks(terminal, '나> 남은 글');
    const text = terminal.text();
    expect(text).toMatch(
      /첫째 답의 시작\n[^나]*나> 둘째 질문[\s\S]*둘째 답[\s\S]*나> 셋째 질문[\s\S]*셋째 답/,
    );
    expect(await messages()).toEqual(['왜 하늘은 파래?', '둘째 질문', '셋째 질문']);
  });

  test('moves over wide characters, wraps at the width of the terminal, and is drawn once after a resize', async () => {
    const terminal = await opened();
    fixture.small.script(direct('네'));
    terminal.type('가나다');
    await asks(terminal, '나> 가나다');
    terminal.key('Left', 'BSpace');
    await asks(terminal, '나> 가다');
    await until(() => terminal.cursor().x === 6);
    terminal.key('End');
    const long = '한글과 English를 섞은 긴 문장입니다. '.repeat(4).trim();
    terminal.type(long);
    await shows(terminal, long.slice(-12));
    terminal.resize(41, 20);
    terminal.type('!');
    await until(() => terminal.rows().join('').includes('니다.!'));
    terminal.resize(80, 24);
    terminal.type('?');
    await until(() => terminal.rows().join('').includes('니다.!?'));
    expect(terminal.rows().filter((row) => row.includes('나> '))).toHaveLength(1);
    terminal.key('Enter');
    await until(async () => (await messages()).length === 1);
    expect(await messages()).toEqual([`가다${long}!?`]);
  });

  test('recalls messages of earlier runs, from a file that only its owner can read', async () => {
    const terminal = await opened();
    fixture.small.script(direct('하나'));
    await say(terminal, '처음 질문');
    await shows(terminal, '하나');
    await asks(terminal, '나>');
    terminal.key('C-d');
    await until(() => terminal.exitCode() === 0);
    terminal.close();
    terminals = [];
    expect(statSync(history()).mode & 0o777).toBe(0o600);
    expect(readFileSync(history(), 'utf8')).toBe('"처음 질문"\n');
    const again = await opened();
    again.type('반쯤');
    again.key('Up');
    await asks(again, '나> 처음 질문');
    again.key('Down');
    await asks(again, '나> 반쯤');
  });

  test('is cleared by Ctrl-C; when it is empty, the second Ctrl-C quits', async () => {
    const terminal = await opened('en');
    terminal.type('not this');
    await asks(terminal, 'you> not this');
    terminal.key('C-c');
    await asks(terminal, 'you>');
    terminal.key('C-c');
    await shows(terminal, 'Ctrl-C again');
    expect(terminal.exitCode()).toBeNull();
    terminal.key('C-c');
    await until(() => terminal.exitCode() === 0);
    expect(await messages()).toEqual([]);
  });

  test('accepts /help, /cancel, /new and /quit, and reports an unknown command', async () => {
    const terminal = await opened('en');
    await say(terminal, '/help');
    await shows(terminal, '/quit    quit');
    await say(terminal, '/dance');
    await shows(terminal, 'There is no command /dance');
    await say(terminal, '/cancel');
    await shows(terminal, 'Nothing runs');
    fixture.small.script(direct('paths are fine'));
    await say(terminal, '/etc/hosts has what?');
    await shows(terminal, 'paths are fine');
    await say(terminal, '/new');
    await shows(terminal, 'A new conversation');
    fixture.small.script(direct('fresh'));
    await say(terminal, 'hello there');
    await shows(terminal, 'fresh');
    expect(JSON.stringify(fixture.small.requests.at(-1)!.body)).not.toContain('paths are fine');
    await say(terminal, '/quit');
    await until(() => terminal.exitCode() === 0);
    expect(await messages()).toEqual(['/etc/hosts has what?', 'hello there']);
  });
});

describe.skipIf(tmuxMissing() !== null)('a chat in the terminal', () => {
  test('cancels the running job on /cancel or on a word such as 그만, and stays open', async () => {
    const terminal = await opened();
    for (const word of ['/cancel', '그만']) {
      fixture.small.script(routed);
      fixture.large.script(stallsAfter(`반쪽 ${word}`));
      await say(terminal, `왜 하늘은 파래? ${word}`);
      await shows(terminal, `반쪽 ${word}`);
      terminal.type(word);
      terminal.key('Enter');
      await asks(terminal, '나>');
      expect(await state(await jobOf(`왜 하늘은 파래? ${word}`))).toBe('cancelled');
    }
  });

  test('has its prompts in the language of the terminal', async () => {
    const terminal = await opened('en');
    fixture.small.script(direct('안녕하세요'));
    await say(terminal, '안녕');
    await asks(terminal, '나>');
  });

  test('sends a message once after the core has restarted', async () => {
    const terminal = await opened('en');
    const { port } = new URL(fixture.core.url);
    await fixture.core.stop();
    await say(terminal, 'hello there');
    await shows(terminal, 'it is sent again');
    fixture.config.server.port = Number(port);
    fixture.small.script(direct('I am back'));
    await fixture.restart();
    await shows(terminal, 'I am back');
    await asks(terminal, 'you>');
    expect(await messages()).toEqual(['hello there']);
  });

  test('returns an unsent message to the input line and stays open', async () => {
    const terminal = await opened('en');
    await fixture.core.stop();
    await say(terminal, 'hello there');
    await shows(terminal, 'it is sent again');
    terminal.key('C-c');
    await asks(terminal, 'you> hello there');
    expect(terminal.exitCode()).toBeNull();
    await fixture.restart();
  });

  test('shows no control characters of an answer', async () => {
    const terminal = await opened('en');
    fixture.small.script(direct('before \u001b[2J\u001b]0;title\u0007after'));
    await say(terminal, 'hello there');
    await shows(terminal, /before \[2J.*after/);
  });
});
