/** The parsed form of a tool call in a text. */
import { bareName, type OfferedTool, type OfferedTools } from './offered-tools.ts';

export interface PrintedCall {
  /** The name of the offered tool, else the name as the model wrote it. */
  name: string;
  /** JSON text; incomplete where the text was cut off. */
  arguments: string;
  isOffered: boolean;
}

/** One or more consecutive calls, and their end in the text. */
export interface ParsedCalls {
  calls: PrintedCall[];
  end: number;
  /** The text ended inside the call. */
  isOpen: boolean;
}

export function createPrintedCall(
  name: string,
  args: object | string,
  offers: OfferedTools,
): PrintedCall {
  const tool: OfferedTool | null = offers.find(name);
  const text = typeof args === 'string' ? args : JSON.stringify(args);
  return { name: tool?.name ?? bareName(name), arguments: text, isOffered: tool !== null };
}
