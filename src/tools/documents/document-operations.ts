/** The operation of the document tool: parameters, texts for models, and the question back for missing words. */
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
} as const;
