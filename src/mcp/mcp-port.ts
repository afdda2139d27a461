/** The MCP servers as the core sees them. Loads no client of the protocol. */
import type { ModelTool } from '#language/classification/operation-port';
import type { McpServerView } from '#shared/wire/mcp-view';
import type { Tool } from '#tools/tool';

/** A read of a server for a model that calls functions. */
export interface OfferedRead {
  tool: string;
  operation: string;
  /** Id of the server. */
  server: string;
  description: string;
  /** JSON schema of the input. */
  parameters: Record<string, unknown>;
}

export interface Mcp {
  /** One per server. */
  readonly tools: readonly Tool[];
  /** The tools that fit a message of this user, for the classifier. */
  offer(message: string, userId: string): ModelTool[];
  /** The reads that fit a question of this user, best first, for the ask loop. */
  offerReads(question: string, userId: string): OfferedRead[];
  views(): McpServerView[];
  /** Starts every server once in the background, to learn its tools. */
  start(): void;
  /** Resolves when no process of a server is left. */
  stop(): Promise<void>;
}

/** Without servers. */
export const noMcp: Mcp = {
  tools: [],
  offer: () => [],
  offerReads: () => [],
  views: () => [],
  start: () => undefined,
  stop: () => Promise.resolve(),
};
