import { demoQuery } from '../search-demo.ts';
import type { ToolDeclaration } from '../tool-declaration.ts';
import { documentLabel, documentOperations, createDocumentTool } from './document-tool.ts';

export const documents: ToolDeclaration = {
  name: 'document',
  label: documentLabel,
  aliases: ['documents', 'docs'],
  operations: documentOperations,
  open: (parts) => Promise.resolve(createDocumentTool(parts.documents, parts.openDrafts)),

  demo: (message) =>
    /찾아|검색|\b(?:find|search|look for)\b/i.test(message) &&
    /문서|자료|파일|메모|\b(?:documents?|files?|notes?)\b/i.test(message)
      ? { operation: 'search', params: { query: demoQuery(message) } }
      : null,
};
