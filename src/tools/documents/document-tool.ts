/** The document tool: full-text search in the user's documents. */
import type { Locale } from '#machines/texts';
import { oneLine } from '../sanitize-text.ts';
import { readOperation, type Tool } from '../tool.ts';
import { z } from 'zod';
import { clarifyingQuestions } from '#language/prompts/clarifying-questions';
import type { Resolver } from '#language/classification/operation-port';
import { asString, clarify } from '#language/rules/resolution-context';
import { queryParam } from '../param-schemas.ts';

export const documentLabel = { ko: '문서', en: 'documents' };

const resolveQuery: Resolver = (params, { locale }) =>
  asString(params['query']) === ''
    ? clarify(clarifyingQuestions(locale).documentQuery)
    : { ok: true, params };

export const documentOperations = {
  search: {
    effect: 'reads',
    description: "searches the user's memos and documents",
    schema: z.object({ query: queryParam('the words to look for') }),
    classifier: {
      summary: '문서 검색',
      resolve: resolveQuery,
    },
  },
  /** For the digest of a schedule: no model requests it. */
  open_drafts: {
    effect: 'reads',
    description: 'lists the drafts that wait for a decision of the user',
    schema: z.object({}),
  },
} as const;

/** Documents in one answer: as many as a chat shows without scrolling and a prompt has room for. */
const hitsMax = 8;
const draftsMax = 10;

export interface DocumentHit {
  id: string;
  title: string;
  snippet: string;
  score: number;
}

/** The port of the document tool to the document library. */
export interface DocumentSearch {
  /** Best first. `isExact` false: no document has every word of the query; the hits have most of them. */
  search(
    userId: string,
    query: string,
    limit: number,
    signal: AbortSignal,
  ): Promise<{ hits: DocumentHit[]; isExact: boolean }>;
}

/** Drafts of documents that wait for a decision of the user, newest first. */
export type OpenDrafts = (userId: string, limit: number) => Promise<{ title: string }[]>;

export function createDocumentTool(documents: DocumentSearch, openDrafts: OpenDrafts): Tool {
  return {
    name: 'document',
    label: documentLabel,
    operations: {
      search: readOperation({
        ...documentOperations.search,
        async run({ query }, { userId, locale, signal }) {
          const { hits, isExact } = await documents.search(userId, query, hitsMax, signal);
          const shown = hits.map(({ id, title, snippet }) => ({
            id,
            title: oneLine(title, 120),
            snippet: oneLine(snippet, 200),
          }));
          const summary = formatHits(oneLine(query, 80), shown, isExact, locale);
          const data = { query, count: shown.length, exact: isExact, documents: shown };
          return { ok: true, data, summary };
        },
      }),
      open_drafts: readOperation({
        ...documentOperations.open_drafts,
        async run(_, { userId, locale }) {
          const open = await openDrafts(userId, draftsMax + 1);
          const titles = open.slice(0, draftsMax).map(({ title }) => oneLine(title, 120));
          const isCut = open.length > draftsMax;
          const data = { count: titles.length, ...(isCut ? { more: true } : {}), titles };
          return { ok: true, data, summary: formatDrafts(titles, isCut, locale) };
        },
      }),
    },
  };
}

function formatDrafts(titles: readonly string[], isCut: boolean, locale: Locale): string {
  const isKo = locale === 'ko';
  if (titles.length === 0) {
    return isKo ? '검토할 문서 초안이 없습니다.' : 'No document draft waits for you.';
  }
  const count = `${titles.length}${isCut ? '+' : ''}`;
  const head = isKo ? `검토할 문서 초안 ${count}건입니다.` : `Document drafts to review: ${count}`;
  return [head, ...titles.map((title) => `- ${title}`)].join('\n');
}

function formatHits(
  query: string,
  hits: readonly { title: string; snippet: string }[],
  isExact: boolean,
  locale: Locale,
): string {
  const lines = hits.map((hit) => `- ${hit.title}${hit.snippet === '' ? '' : `: ${hit.snippet}`}`);
  const head = formatHeading(query, hits.length, isExact, locale);
  return [head, ...lines].join('\n');
}

function formatHeading(query: string, count: number, isExact: boolean, locale: Locale): string {
  const many = count === hitsMax;
  if (locale === 'ko') {
    if (count === 0) return `‘${query}’에 대한 문서를 찾지 못했습니다.`;
    if (!isExact) return `‘${query}’와 정확히 맞는 문서는 없고, 비슷한 문서가 있습니다.`;
    return many
      ? `‘${query}’에 대한 문서입니다. 가장 가까운 ${count}건만 보여드립니다.`
      : `‘${query}’에 대한 문서 ${count}건을 찾았습니다.`;
  }
  if (count === 0) return `No document matches "${query}".`;
  if (!isExact) return `No document has all of "${query}", but these come close.`;
  if (many) return `Documents matching "${query}", the ${count} best:`;
  return `${count === 1 ? '1 document matches' : `${count} documents match`} "${query}".`;
}
