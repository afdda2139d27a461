/** The parser of classifications with the operations of all tools, as in an installation that has configured them all. */
import { createOperationTable } from '#language/classification/model-operations';
import { toDecision as toDecisionOf } from '#language/classification/classification-decision';
import {
  parseClassification as parseWith,
  type Classification,
} from '#language/classification/parse-classification';
import { configureTools } from '#tools/tool-declaration';
import { toolList } from '#tools/tool-list';
import { configSchema } from '#app/config/config';

const email = { provider: 'imap', host: 'mail.example.org', username: 'a', password: 'b' };

/** The settings of an installation that has configured every tool. */
export const allSettings = configSchema.parse({ tools: { email } }).tools;

export const standardToolSet = configureTools(toolList, allSettings);
export const standardOperations = createOperationTable(standardToolSet.modelTools);

export const parseClassification = (raw: string): Classification | null =>
  parseWith(raw, standardOperations);

export const toDecision = (
  classification: Classification | null,
  context: Parameters<typeof toDecisionOf>[1],
) => toDecisionOf(classification, context, standardOperations);
