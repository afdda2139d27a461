/** The form of a tool of the MCP door: declared once, for `tools/list`, for the check of a call and for docs/mcp.md. */
import type { z } from 'zod';
import type { DoorService } from './door-service.ts';

/** One call of a tool. */
export interface DoorCall {
  /** Aborts when nobody waits for the result any more. */
  signal: AbortSignal;
  /** Whether `signal` means that the request was cancelled; false: the connection was lost, or the process stops. */
  isCancelled(): boolean;
  /** The client has asked for progress: it waits as long as something happens. */
  wantsProgress: boolean;
  /** Sent only if the client has asked for it. `message`: one line. */
  progress(message: string): void;
  requestKey: string | null;
  nextId(): string;
}

export interface DoorResult<Structured> {
  /** For the model that reads the result. */
  text: string;
  /** The same as data. */
  data: Structured;
  isError?: boolean;
}

/** The hints of the protocol. */
interface Hints {
  readOnlyHint: boolean;
  destructiveHint?: boolean;
  idempotentHint?: boolean;
  openWorldHint: boolean;
}

export interface DoorTool {
  name: string;
  title: string;
  /** For a model: what it does, and when to call it. */
  description: string;
  input: z.ZodObject;
  output: z.ZodObject;
  hints: Hints;
  run(
    service: DoorService,
    input: Record<string, unknown>,
    call: DoorCall,
  ): Promise<DoorResult<object>>;
}

/** Checks that `run` fits the schemas. */
export const doorTool = <Input extends z.ZodObject, Output extends z.ZodObject>(
  tool: Omit<DoorTool, 'input' | 'output' | 'run'> & {
    input: Input;
    output: Output;
    run(
      service: DoorService,
      input: z.infer<Input>,
      call: DoorCall,
    ): Promise<DoorResult<z.infer<Output>>>;
  },
): DoorTool => tool;

/** The first `max` characters. */
export function cutText(text: string, max: number): string {
  const chars = Array.from(text);
  return chars.length <= max ? text : `${chars.slice(0, max - 1).join('')}…`;
}
