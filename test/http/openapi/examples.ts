/** The requests whose responses are compared with docs/openapi.json. A route that is not here is requested as it is. */

interface Example {
  /** Path parameters. */
  path?: Record<string, string>;
  query?: Record<string, string>;
  body?: unknown;
}

/** Data that the test has prepared for the examples. */
export interface Scene {
  url: string;
  /** A job that has ended. */
  jobId: string;
  /** Creates a job whose draft waits for a person. */
  waitingJob(): Promise<string>;
  runningJob(): Promise<string>;
  documentId: string;
  memoId: string;
  /** Creates a document. */
  newDocument(): Promise<string>;
  /** Creates a document with a finished draft. */
  draftedDocument(): Promise<string>;
  newSchedule(): Promise<string>;
  newFact(): Promise<string>;
  /** Path of a text file. */
  file: string;
}

const job = ({ jobId }: Scene): Example => ({ path: { id: jobId } });
const document = ({ documentId }: Scene): Example => ({ path: { id: documentId } });
const drafted = async (scene: Scene): Promise<Example> => ({
  path: { id: await scene.draftedDocument() },
});
const waiting = async (scene: Scene): Promise<Example> => ({
  path: { id: await scene.waitingJob() },
});
const remembered = async (scene: Scene): Promise<Example> => ({
  path: { id: await scene.newFact() },
});

const scheduled = async (scene: Scene): Promise<Example> => ({
  path: { id: await scene.newSchedule() },
});
const question = (): Example => ({ body: { query: 'When is the budget decided?' } });
const ics = [
  'BEGIN:VCALENDAR',
  'VERSION:2.0',
  'PRODID:x',
  'BEGIN:VEVENT',
  'UID:1',
  'DTSTAMP:20310101T000000Z',
  'DTSTART:20310305T060000Z',
  'DTEND:20310305T070000Z',
  'SUMMARY:Dentist',
  'END:VEVENT',
  'END:VCALENDAR',
  '',
].join('\r\n');

/** `METHOD /path` → its request; a string: why there is none. */
export const examples: Record<string, ((scene: Scene) => Example | Promise<Example>) | string> = {
  'POST /chat': () => ({ body: { message: '안녕', user_id: 'ann', idempotency_key: 'k1' } }),
  'GET /chat/:id': job,
  'GET /chat/:id/status': job,
  'GET /chat/:id/stream': job,
  'POST /chat/:id/cancel': async (scene) => ({ path: { id: await scene.runningJob() } }),
  'POST /chat/:id/confirm': waiting,
  'POST /chat/:id/reject': waiting,
  'GET /jobs': () => ({ query: { limit: '2' } }),
  'GET /jobs/:id/events': job,
  'POST /documents': () => ({ body: { title: 'Plan', text: 'The budget is decided soon.' } }),
  'GET /documents/search': () => ({ query: { q: 'budget' } }),
  'GET /documents/:id': document,
  'DELETE /documents/:id': async (scene) => ({ path: { id: await scene.newDocument() } }),
  'POST /documents/import': ({ file }) => ({ body: { paths: [file] } }),
  'GET /documents/:id/versions': drafted,
  'GET /documents/:id/versions/:version': async (scene) => ({
    path: { id: await scene.draftedDocument(), version: '1' },
  }),
  'POST /documents/:id/draft/accept': drafted,
  'POST /documents/:id/draft/reject': drafted,
  'POST /documents/:id/draft/edit': async (scene) => ({
    ...(await drafted(scene)),
    body: { md_content: '# Mine' },
  }),
  'GET /documents/:id/stream': document,
  'POST /memos': () => ({ body: { text: 'milk, bread, call the dentist about the appointment' } }),
  'PATCH /memos/:id': ({ memoId }) => ({ path: { id: memoId }, body: { title: 'Errands' } }),
  'POST /memos/:id/promote-to-document': ({ memoId }) => ({ path: { id: memoId } }),
  'GET /drafts/:id': drafted,
  'POST /drafts/:id/retry': 'needs a draft that failed for the last time: test/library/drafts',
  'POST /ask': question,
  'POST /ask/react': question,
  'POST /v1/chat/completions': () => ({
    body: { model: 'large', messages: [{ role: 'user', content: 'hello' }] },
  }),
  'GET /v1/models/:model': () => ({ path: { model: 'large' } }),
  'POST /api/chat': () => ({
    body: { model: 'large', messages: [{ role: 'user', content: 'hello' }], stream: false },
  }),
  'POST /api/generate': () => ({ body: { model: 'large', prompt: 'hello', stream: false } }),
  'POST /api/show': () => ({ body: { model: 'large' } }),
  'POST /api/embed': 'needs an embeddings server: test/http/ollama',
  'POST /api/embeddings': 'needs an embeddings server: test/http/ollama',
  'POST /api/blobs/:digest': () => ({ path: { digest: 'sha256:0' } }),
  'POST /mcp': () => ({ body: { jsonrpc: '2.0', id: 1, method: 'tools/list' } }),
  'POST /calendar/import': () => ({ body: { ics } }),
  'POST /session': 'needs keys: test/http/routes/sessions',
  'DELETE /sessions/:id': 'needs keys: test/http/routes/sessions',
  'POST /invites': 'needs keys: test/http/routes/sessions',
  'POST /schedules': () => ({
    body: { text: 'water the plants', rule: { cron: '0 9 * * 6' }, zone: 'Europe/Berlin' },
  }),
  'GET /schedules/:id': scheduled,
  'GET /schedules/:id/stream': scheduled,
  'GET /schedules/:id/runs': async (scene) => {
    const id = await scene.newSchedule();
    await fetch(`${scene.url}/schedules/${id}/run`, { method: 'POST' });
    return { path: { id } };
  },
  'POST /schedules/:id/pause': scheduled,
  'POST /schedules/:id/resume': scheduled,
  'DELETE /schedules/:id': scheduled,
  'POST /schedules/:id/run': scheduled,
  'POST /schedules/:id/snooze': scheduled,
  'GET /memory': () => ({ query: { user_id: 'ann', query: 'my locker' } }),
  'POST /memory': () => ({ body: { text: 'the bins are emptied on mondays' } }),
  'DELETE /memory': () => ({ query: { user_id: 'nobody' } }),
  'GET /memory/:id': remembered,
  'DELETE /memory/:id': remembered,
  'GET /inspect/assets/:name': () => ({ path: { name: 'main.js' } }),
  'GET /inspect/api/jobs': () => ({ query: { q: '안녕' } }),
  'GET /inspect/api/charts/:machine': () => ({ path: { machine: 'job' } }),
  'GET /inspect/api/jobs/:id/choices': ({ jobId }) => ({ path: { id: jobId }, query: { n: '1' } }),
  'POST /inspect/api/jobs/:id/what-if': ({ jobId }) => ({
    path: { id: jobId },
    body: { n: 1, event: { type: 'cancel', by: 'ann' } },
  }),
};
