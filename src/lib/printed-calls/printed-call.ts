/** What is read of a call that stands in a text. */
import { bareName, type OfferedTool, type OfferedTools } from './offered-tools.ts';

export interface PrintedCall {
  /** Of the offered tool, or as the model wrote it. */
  name: string;
  /** JSON text; what there is of it where the text was cut off. */
  arguments: string;
  isOffered: boolean;
}

/** One or more calls in a row, and where they end in the text. */
export interface CallsRead {
  calls: PrintedCall[];
  end: number;
  /** The text ended inside of the call. */
  isOpen: boolean;
}

export function printedCall(
  name: string,
  args: object | string,
  offers: OfferedTools,
): PrintedCall {
  const tool: OfferedTool | null = offers.find(name);
  const text = typeof args === 'string' ? args : JSON.stringify(args);
  return { name: tool?.name ?? bareName(name), arguments: text, isOffered: tool !== null };
}
