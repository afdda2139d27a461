/** The tools for documents: questions, search, one document, a memo. */
import { z } from 'zod';
import { textsOf } from '#machines/texts';
import { doorTool } from './door-tool.ts';

/** Of an answer or a part of a document in a result. */
const textCharsMax = 20_000;
const partChars = 8_000;

const source = z.object({ id: z.string(), title: z.string(), snippet: z.string() });

const sourceLines = (sources: readonly z.infer<typeof source>[]): string[] =>
  sources.map(({ id, title, snippet }) => `[${id}] ${title}\n${snippet}`);

export const askTool = doorTool({
  name: 'ask',
  title: 'Ask the documents',
  description:
    'Answers a question from the documents of the person, with its sources. A model of the person’s own machine writes the answer, which can take a minute; search_documents is faster.',
  input: z.object({ query: z.string().min(1).describe('The question.') }),
  output: z.object({
    answer: z.string(),
    sources: z.array(source),
    backend: z.string().describe('The model server that has answered.'),
    truncated: z.boolean().describe('The answer is not whole.'),
  }),
  hints: { readOnlyHint: true, openWorldHint: false },
  async run(service, { query }, call) {
    call.progress('Searching the documents');
    const { answer, sources, backend, truncated } = await service.ask(
      query,
      ({ ahead }) => call.progress(textsOf('en').queued(ahead)),
      call.signal,
    );
    const text = answer.slice(0, textCharsMax).toWellFormed();
    const isCut = truncated || text.length < answer.length;
    const data = { answer: text, sources, backend, truncated: isCut };
    return { text: [text, ...sourceLines(sources)].join('\n\n'), data };
  },
});

export const searchTool = doorTool({
  name: 'search_documents',
  title: 'Search documents',
  description:
    'Finds documents and memos of the person by words, best first, with a passage of each. Read one with get_document.',
  input: z.object({
    query: z.string().trim().min(1).max(500).describe('Words of the document.'),
    limit: z.coerce.number().int().min(1).max(20).default(10),
  }),
  output: z.object({ results: z.array(source.extend({ score: z.number() })) }),
  hints: { readOnlyHint: true, openWorldHint: false },
  async run(service, { query, limit }, call) {
    const results = await service.search(query, limit, call.signal);
    const text = results.length === 0 ? 'Nothing was found.' : sourceLines(results).join('\n\n');
    return { text, data: { results } };
  },
});

export const getDocumentTool = doorTool({
  name: 'get_document',
  title: 'Read a document',
  description: 'Reads the text of one document or memo of the person, in parts.',
  input: z.object({
    id: z.string().min(1).max(64),
    from: z.coerce.number().int().min(0).default(0).describe('The character to begin with.'),
    max_chars: z.coerce.number().int().min(1).max(textCharsMax).default(partChars),
  }),
  output: z.object({
    id: z.string(),
    title: z.string(),
    text: z.string().describe('The part of the text.'),
    from: z.int(),
    next_from: z.int().nullable().describe('from of the next part; null: there is no more.'),
    total_chars: z.int(),
    origin: z.string(),
    updated_at: z.string(),
  }),
  hints: { readOnlyHint: true, openWorldHint: false },
  async run(service, { id, from, max_chars: max }) {
    const document = await service.document(id);
    const { title, extracted_text: original, md_content: markdown } = document;
    const whole = original.trim() === '' ? (markdown ?? '') : original;
    const text = whole.slice(from, from + max).toWellFormed();
    const end = from + text.length;
    const nextFrom = end < whole.length ? end : null;
    const data = {
      id,
      title,
      text,
      from,
      next_from: nextFrom,
      total_chars: whole.length,
      origin: document.content_origin,
      updated_at: document.updated_at,
    };
    const more = nextFrom === null ? '' : `\n\n(It goes on: from ${nextFrom} of ${whole.length}.)`;
    return { text: `${title}\n\n${text}${more}`, data };
  },
});

export const addMemoTool = doorTool({
  name: 'add_memo',
  title: 'Keep a memo',
  description: 'Keeps a memo of the person, word for word. It is found by search_documents.',
  input: z.object({
    text: z.string().min(1).max(100_000),
    title: z.string().max(200).optional().describe('Without it: the first line.'),
  }),
  output: z.object({ id: z.string() }),
  hints: {
    readOnlyHint: false,
    destructiveHint: false,
    idempotentHint: false,
    openWorldHint: false,
  },
  async run(service, { text, title }) {
    const { id } = await service.addMemo(title === undefined ? { text } : { text, title });
    return { text: `The memo is kept as ${id}.`, data: { id } };
  },
});
