/** How the demo model, which knows no language, picks an operation of a tool. */
import type { Locale } from '#machines/texts';
import type { CivilDay } from '../calendar/civil-date.ts';

export interface DemoContext {
  today: CivilDay;
  locale: Locale;
  /** The message asks for an explanation or a text. */
  isDeep: boolean;
}

/** The call of an operation, or a question back; null if the message is not for the tool. */
export type DemoRule = (
  message: string,
  context: DemoContext,
) => { operation: string; params: Record<string, unknown> } | { question: string } | null;

/** The rule of the tool of this name. */
export interface DemoTool {
  name: string;
  demo: DemoRule;
}
