/** The request to the classifier, compared byte for byte with the stored request of a standard installation. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createOperationTable } from '#language/classification/model-operations';
import {
  classificationSchemaOf,
  classifierMessages,
} from '#language/prompts/classification-prompt';
import { configureTools } from '#tools/tool-declaration';
import { toolList } from '#tools/tool-list';
import { allSettings } from '../standard-classification.ts';

const stored = JSON.parse(
  readFileSync(join(import.meta.dirname, '../cases/classifier-requests.json'), 'utf8'),
) as Record<string, unknown>;

test.each([
  ['all', allSettings],
  ['withoutEmail', { ...allSettings, email: { provider: 'none' as const } }],
])('the request to the classifier is the stored request: %s', (name, settings) => {
  const { offered } = createOperationTable(configureTools(toolList, settings).modelTools);
  const messages = classifierMessages({
    message: '내일 뭐 있지?',
    history: [{ role: 'user', content: '안녕' }],
    now: Date.parse('2026-11-18T09:05:00+09:00'),
    timeZone: 'Asia/Seoul',
    operations: offered,
  });
  expect(JSON.stringify({ messages, schema: classificationSchemaOf(offered) })).toBe(
    JSON.stringify(stored[name]),
  );
});
