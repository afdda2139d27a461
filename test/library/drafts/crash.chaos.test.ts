/**
 * A real core is killed with SIGKILL at each step of drafting and started again: no memo is lost, no document is
 * half written, and the model is called at most once more.
 */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { FaultPoint } from '#shared/fault-points';
import { openDatabase } from '#storage/database';
import { createDocumentStore } from '#library/store/document-store';
import { startFakeLlm } from '#test/support/fake-llm';
import { says, type FakeReply } from '#test/support/fake-llm-replies';
import { scratchFolder } from '#test/support/journal';
import { crashMemo, longCrashMemo } from './crash-memo.ts';

async function setUp(reply: FakeReply = says('# 정리된 회의\n\n- 예산 50만원')) {
  const folder = scratchFolder();
  onTestFinished(() => folder.remove());
  const model = await startFakeLlm({ reply });
  onTestFinished(() => model.close());
  const path = join(folder.path, 'gatehouse.db');
  const run = (
    point = '',
    ...more: string[]
  ): Promise<{ signal: string | null; output: string }> => {
    const script = join(import.meta.dirname, 'crash-child.ts');
    const child = spawn(process.execPath, [script, path, model.baseUrl, point, ...more], {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: 20_000,
      killSignal: 'SIGTERM',
    });
    let output = '';
    child.stdout.on('data', (data: Buffer) => (output += data.toString()));
    return new Promise((resolve) => {
      child.on('close', (_code, signal) => resolve({ signal, output }));
    });
  };
  const look = async () => {
    const database = await openDatabase({ path });
    try {
      const documents = createDocumentStore(database);
      const { drafts, events } = documents;
      const [listed] = await documents.list({ owner: 'local', limit: 2 });
      const { id } = listed!;
      const word = { words: ['정리'], isPrefix: false };
      return {
        document: (await documents.find(id))!,
        record: await drafts.find(id),
        versions: await drafts.versions(id),
        sections: await drafts.sections(id),
        events: await events.ofDocument(id, 0, 100),
        found: (await documents.search('local', word, 10)).length,
      };
    } finally {
      await database.close();
    }
  };
  return { model, run, look };
}

/** At each point: whether the draft was on disk at the kill, and how often the model had been called. */
const points: [FaultPoint, { isWritten: boolean; calls: number }][] = [
  ['draft.claimed', { isWritten: false, calls: 0 }],
  ['draft.answered', { isWritten: false, calls: 1 }],
  ['draft.withinWrite', { isWritten: false, calls: 1 }],
  ['draft.written', { isWritten: true, calls: 1 }],
];

describe('a core that is killed', () => {
  test.each(points)('at %s finishes the draft after its next start', async (point, before) => {
    const { model, run, look } = await setUp();
    expect((await run(point)).signal).toBe('SIGKILL');
    expect(model.requests).toHaveLength(before.calls);
    const left = await look();
    expect(left.document.extractedText).toBe(crashMemo);
    if (before.isWritten) {
      expect(left).toMatchObject({ document: { mdDraftStatus: 'draft' }, record: null });
    } else {
      // Nothing of the draft is stored: no content, no version, no words in the index, no event.
      expect(left).toMatchObject({
        document: { mdContent: null, mdDraftStatus: null, contentOrigin: 'memo' },
        record: { state: 'drafting', attempts: 1 },
        versions: [],
        found: 0,
      });
      expect(left.events.map(({ type }) => type)).toEqual(['queued', 'drafting']);
    }

    expect((await run()).output).toBe('settled\n');
    const { document, record, versions, events, found } = await look();
    expect(document).toMatchObject({
      extractedText: crashMemo,
      mdContent: '# 정리된 회의\n\n- 예산 50만원',
      mdDraftStatus: 'draft',
      contentOrigin: 'ai_drafted',
      sourceMetadata: { needs_draft: false },
    });
    expect([record, versions.length, found]).toEqual([null, 1, 1]);
    expect(model.requests.length).toBeLessThanOrEqual(before.calls + 1);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
    const failed = events.find(({ type }) => type === 'failed');
    if (before.isWritten) expect(failed).toBeUndefined();
    else expect(failed?.data).toMatchObject({ code: 'GH_DRAFT_INTERRUPTED', attempt: 1 });
  });

  test('at every attempt for the same memo marks this memo as dead after its last attempt', async () => {
    const { run, look } = await setUp();
    for (let n = 0; n < 3; n += 1) expect((await run('draft.claimed')).signal).toBe('SIGKILL');
    expect((await run('draft.claimed')).output).toBe('settled\n');
    const { record, document } = await look();
    expect(record).toMatchObject({ state: 'dead', attempts: 3, lastCode: 'GH_DRAFT_INTERRUPTED' });
    expect(document.extractedText).toBe(crashMemo);
  });

  test.each([
    ['draft.sectionKept', 1, 1],
    ['draft.sectionKept', 3, 3],
    ['draft.answered', 1, 4],
  ] as const)(
    'in a long memo, at %s (time %i), resumes after the finished sections',
    async (...at) => {
      const [point, times, calls] = at;
      const memoIn = (content: string): string => /<memo>\n([^]*)\n<\/memo>/.exec(content)![1]!;
      const { model, run, look } = await setUp((exchange) =>
        says(memoIn(exchange.request.body.messages.at(-1)!.content))(exchange),
      );
      expect((await run(point, String(times), 'long')).signal).toBe('SIGKILL');
      expect(model.requests).toHaveLength(calls);
      expect((await run()).output).toBe('settled\n');
      const { document, sections } = await look();
      const linesOf = (text: string): string[] =>
        text.split(/[\r\n]+/).filter((line) => line !== '');
      expect(linesOf(document.mdContent!)).toEqual(linesOf(longCrashMemo));
      // The last section is stored together with the draft: after a kill before that, only this section is repeated.
      expect(model.requests).toHaveLength(calls === 4 ? 5 : 4);
      expect(sections).toEqual([]);
    },
  );
});
