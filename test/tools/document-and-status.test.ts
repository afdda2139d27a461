import { describe, expect, test } from 'vitest';
import { silentLog } from '#shared/log';
import { createDocumentTool } from '#tools/documents/document-tool';
import { createToolRegistry } from '#tools/registry';
import { createStatusTool, type SystemStatus } from '#tools/status/status-tool';
import { openLibrary } from '#test/library/library-fixture';
import { contextOf } from './tool-context.ts';

describe('the document tool', () => {
  const setting = async () => {
    const { library, add, close } = await openLibrary();
    await add('배관 공사 견적서를 보냅니다.', '견적 메일');
    const byWords = createDocumentTool(
      {
        search: (...asked) => Promise.resolve(library.search(asked[0], asked[1], asked[2])),
      },
      async () => [],
    );
    const registry = createToolRegistry({ tools: [byWords], log: silentLog() });
    const search = async (query: string, changes = {}) => {
      const calls = [{ tool: 'document', operation: 'search', params: { query } }];
      return (await registry.run(calls, contextOf(changes))).results[0];
    };
    return { search, add, close };
  };

  test('lists at most ten open drafts, and says that there are more', async () => {
    const drafts = async (count: number) => {
      const open = async () => Array.from({ length: count }, (_, n) => ({ title: `draft ${n}` }));
      const tool = createDocumentTool({ search: () => Promise.reject(new Error('unused')) }, open);
      const registry = createToolRegistry({ tools: [tool], log: silentLog() });
      const calls = [{ tool: 'document', operation: 'open_drafts', params: {} }];
      return (await registry.run(calls, contextOf({ locale: 'en' }))).results[0]!.summary;
    };
    expect(await drafts(0)).toBe('No document draft waits for you.');
    expect(await drafts(2)).toBe('Document drafts to review: 2\n- draft 0\n- draft 1');
    expect(await drafts(11)).toMatch(/^Document drafts to review: 10\+\n/);
  });

  test('lists the found documents with title and passage, in the language of the message', async () => {
    const { search, close } = await setting();
    expect((await search('견적서'))?.summary).toBe(
      '‘견적서’에 대한 문서 1건을 찾았습니다.\n- 견적 메일: 배관 공사 견적서를 보냅니다.',
    );
    expect((await search('견적서', { locale: 'en' }))?.summary).toMatch(/^1 document matches/);
    await close();
  });

  test('reports that nothing was found, and shows no document of another user', async () => {
    const { search, close } = await setting();
    expect((await search('고양이'))?.summary).toBe('‘고양이’에 대한 문서를 찾지 못했습니다.');
    expect((await search('견적서', { userId: 'jun' }))?.data).toMatchObject({ count: 0 });
    await close();
  });

  test('says so if the documents are only similar', async () => {
    const { search, add, close } = await setting();
    await add('양자 컴퓨터 입문서', '입문');
    expect((await search('양자컴퓨팅'))?.summary).toContain('비슷한 문서');
    await close();
  });
});

describe('the status tool', () => {
  const status: SystemStatus = {
    backends: [
      { id: 'exaone', connected: true, load: 'idle', activeJobs: 0, latencyMs: 12, baselineMs: 10 },
      {
        id: 'gemma',
        connected: true,
        load: 'busy',
        activeJobs: null,
        latencyMs: 912.4,
        baselineMs: 300,
      },
      {
        id: 'qwen',
        connected: false,
        load: 'unknown',
        activeJobs: null,
        latencyMs: null,
        baselineMs: null,
        reason: 'connect_refused',
      },
    ],
    queue: { running: 2, waiting: 5 },
    schedules: { active: 0, paused: 0, nextAt: null },
  };
  const ask = async (read: SystemStatus, locale: 'ko' | 'en' = 'ko') => {
    const tools = [createStatusTool({ read: () => read })];
    const registry = createToolRegistry({ tools, log: silentLog() });
    const calls = [{ tool: 'system', operation: 'status', params: {} }];
    return (await registry.run(calls, contextOf({ locale }))).results[0]?.summary;
  };

  test('lists the state of each backend and then the job queue', async () => {
    expect(await ask(status)).toBe(
      [
        'exaone: 연결됨 · 여유 · 작업 0건',
        'gemma: 연결됨 · 바쁨 · 응답 912ms (평소 300ms)',
        'qwen: 연결 안 됨 (connect_refused)',
        '내 작업 큐: 처리 중 2건, 대기 5건',
      ].join('\n'),
    );
    expect(await ask(status, 'en')).toContain('My queue: 2 running, 5 waiting');
  });

  test('tells how many reminders there are, and the next one', async () => {
    const schedules = { active: 3, paused: 1, nextAt: Date.parse('2026-12-03T09:00+09:00') };
    expect(await ask({ ...status, schedules })).toContain(
      '예약: 3건, 멈춤 1건, 다음: 2026-12-03 (목) 오전 9:00 (Asia/Seoul)',
    );
    expect(await ask({ ...status, schedules }, 'en')).toContain(
      'Schedules: 3, 1 paused, next: 2026-12-03 (Thu) 9:00 AM (Asia/Seoul)',
    );
  });

  test('reports that no server is configured', async () => {
    expect(await ask({ ...status, backends: [] })).toContain('설정된 추론 서버가 없습니다');
  });
});
