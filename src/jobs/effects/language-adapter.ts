/** The assistant's language port: rules, prompts and parsers of src/language, for its effects and its job service. */
import type { ToolResult } from '#machines/job-types';
import type { ChatMessage, ModelRequest } from '#shared/model/model';
import {
  classificationSchemaOf,
  classifierMessages,
  type ClassifierPrompt,
  repairMessages,
} from '#language/prompts/classification-prompt';
import { createOperationTable } from '#language/classification/model-operations';
import type { ModelTool } from '#language/classification/operation-port';
import { parseClassification } from '#language/classification/parse-classification';
import { toDecision } from '#language/classification/classification-decision';
import { isUnclearReply } from '#language/rules/consent';
import { parseDraftEdit } from '#language/rules/draft-edit';
import { displayableAnswer, displayablePrefixLength } from '#language/prompts/displayable-answer';
import type { CustomVocabulary } from '#language/rules/custom-vocabulary';
import { answerMessages, reasonerMessages, summaryMessages } from '#language/prompts/prompts';
import { route, routeAnswer } from '#language/rules/route';
import { isBareTime } from '#language/schedules/answered-question';
import type { DraftCommand } from '../service/job-service.ts';
import type { LanguagePort, PromptInput } from './language-port.ts';

export interface LanguageAdapterOptions {
  /** IANA name: the time zone of "today" and "at three". */
  timeZone: string;
  /** The tools of this installation, with those that are not configured. Default: none. */
  tools?: readonly ModelTool[];
  /** The installation's own words for its mail folders and model servers. */
  vocabulary?: CustomVocabulary;
}

/** Higher for answers; the summary of a tool's result must stay with the facts. */
const answerTemperature = 0.6;
const summaryTemperature = 0.2;

export function createLanguageAdapter({
  timeZone,
  tools = [],
  vocabulary: home = {},
}: LanguageAdapterOptions): LanguagePort & {
  parseDraftReply(message: string, nowMs: number): DraftCommand | null;
} {
  const promptContext = ({ message, history, now, facts = [] }: PromptInput) => ({
    message,
    facts,
    history: history as ChatMessage[],
    now: Date.parse(now),
    timeZone,
  });
  const { tableFor, classify, repair } = createClassifierRequests(tools, promptContext);
  const { isConfigured } = tableFor({});
  const [schedules, memory] = [isOpen(tools, 'schedule'), isOpen(tools, 'memory')];
  const routeWithRules = (message: string, now: number, pendingDraft: boolean) =>
    route(message, { ...home, now, timeZone, pendingDraft, isConfigured, schedules, memory });

  return {
    now: createIsoClock(timeZone),

    route(message, now) {
      const result = routeWithRules(message, Date.parse(now), false);
      return result.kind === 'decision' ? result.decision : null;
    },

    mayAnswer: (message, now) =>
      schedules && isBareTime(message, { now: Date.parse(now), timeZone }),
    routeAnswer: (message, now, asked) =>
      routeAnswer(message, asked, { now: Date.parse(now), timeZone }),

    classify,
    repairClassification: repair,

    parseDecision(raw, input) {
      const { message, now } = input;
      const table = tableFor(input);
      const parsed = parseClassification(raw, table);
      const context = { message, now: Date.parse(now), timeZone, mailFolders: home.mailFolders };
      return parsed === null ? null : toDecision(parsed, context, table);
    },

    reason: (input) => ({
      messages: reasonerMessages(promptContext(input)),
      temperature: answerTemperature,
    }),

    answer: (input) => ({
      messages: answerMessages(promptContext(input)),
      temperature: answerTemperature,
      thinking: false,
    }),

    summarizeResults: ({ message, now, results }) => ({
      messages: summaryMessages({
        message,
        result: resultsText(results),
        now: Date.parse(now),
        timeZone,
      }),
      temperature: summaryTemperature,
      thinking: false,
    }),

    displayableAnswer,
    displayablePrefixLength,

    parseDraftReply(message, nowMs) {
      const result = routeWithRules(message, nowMs, true);
      if (result.kind === 'confirm' || result.kind === 'reject') return { type: result.kind };
      if (result.kind === 'decision') return null;
      const changes = parseDraftEdit(message, { now: nowMs, timeZone });
      if (changes !== null) return { type: 'edit', changes: { ...changes } };
      return isUnclearReply(message) ? { type: 'unclear' } : null;
    },
  };
}

const isOpen = (tools: readonly ModelTool[], tool: string): boolean =>
  tools.some(({ name, isConfigured }) => name === tool && isConfigured);

/** The requests to the classifier, with the tools of MCP servers that are offered for one message. */
function createClassifierRequests(
  tools: readonly ModelTool[],
  promptContext: (input: PromptInput) => Omit<ClassifierPrompt, 'operations'>,
) {
  const operations = createOperationTable(tools);
  const jsonSchema = classificationSchemaOf(operations.offered);
  const tableFor = ({ externalTools: external = [] }: Pick<PromptInput, 'externalTools'>) =>
    external.length === 0 ? operations : createOperationTable([...tools, ...external]);
  const messagesOf = (input: PromptInput): ChatMessage[] =>
    classifierMessages({
      ...promptContext(input),
      operations: operations.offered,
      externalOperations: (input.externalTools ?? []).flatMap((tool) => tool.operations),
    });
  const toRequest = (input: PromptInput, messages: ChatMessage[]): ModelRequest => {
    const table = tableFor(input);
    return {
      messages,
      jsonSchema: table === operations ? jsonSchema : classificationSchemaOf(table.offered),
    };
  };
  return {
    tableFor,
    classify: (input: PromptInput) => toRequest(input, messagesOf(input)),
    repair: (input: PromptInput, raw: string) =>
      toRequest(input, repairMessages(messagesOf(input), raw)),
  };
}

const resultsText = (results: readonly ToolResult[]): string =>
  JSON.stringify(
    results.map(({ tool, operation, summary, data }) => ({ tool, operation, summary, data })),
  );

/** ISO 8601 with the zone's own offset, to the second. */
function createIsoClock(timeZone: string): (atMs: number) => string {
  const format = new Intl.DateTimeFormat('sv-SE', {
    timeZone,
    dateStyle: 'short',
    timeStyle: 'medium',
  });
  return (atMs) => {
    const local = format.format(atMs).replace(' ', 'T');
    const wholeSecond = Math.floor(atMs / 1000) * 1000;
    const minutes = Math.round((Date.parse(`${local}Z`) - wholeSecond) / 60_000);
    const two = (value: number): string => String(Math.floor(value)).padStart(2, '0');
    const offset = `${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
    return `${local}${minutes < 0 ? '-' : '+'}${offset}`;
  };
}
