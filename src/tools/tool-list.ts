/** The tools: one line each. Their order is the order in the classifier's prompt. */
import { calendar } from './calendar/calendar.ts';
import { documents } from './documents/documents.ts';
import { email } from './email/email.ts';
import { status } from './status/status.ts';
import { memory } from './memory/memory.ts';
import { schedule } from './schedule/schedule.ts';
import type { ToolDeclaration } from './tool-declaration.ts';

export const toolList: readonly ToolDeclaration[] = [
  calendar,
  email,
  documents,
  schedule,
  memory,
  status,
];
