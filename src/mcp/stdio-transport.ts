/**
 * The stdio transport of MCP over a process of its own group: one JSON-RPC message a line. Lines that are no message are
 * skipped; standard error goes to the log, at debug.
 */
import {
  deserializeMessage,
  serializeMessage,
  type JSONRPCMessage,
  type Transport,
} from '@modelcontextprotocol/client';
import type { Readable } from 'node:stream';
import type { Log } from '#shared/log';
import { oneLine } from '#tools/sanitize-text';
import { startServerProcess, type ProcessSettings, type ServerProcess } from './server-process.ts';

/** Bytes of one message. A result is shown with some thousand characters. */
export const messageBytesMax = 4_000_000;
const logLineChars = 500;
/** Characters that are logged of what was written at once. */
const logChunkChars = 8_000;
/** Characters of standard error that are kept for an error message. */
const stderrTailChars = 400;

export class StdioTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;

  readonly #settings: ProcessSettings;
  readonly #log: Log;
  #process: ServerProcess | null = null;
  #closing: Promise<void> | null = null;
  #stderrTail = '';
  /** Why the connection ended, for the error of the call that it interrupts. */
  #endReason = 'closed';

  constructor(settings: ProcessSettings, log: Log) {
    this.#settings = settings;
    this.#log = log;
  }

  get pid(): number | null {
    return this.#process?.pid ?? null;
  }

  get endReason(): string {
    return this.#stderrTail === '' ? this.#endReason : `${this.#endReason}: ${this.#stderrTail}`;
  }

  async start(): Promise<void> {
    const started = await startServerProcess(this.#settings);
    this.#process = started;
    this.#logLines(started.stderr);
    this.#readMessages(started.stdout);
    void started.exited.then((how) => {
      if (this.#closing === null) this.#endReason = `the server has ended (${how})`;
      return this.close();
    });
  }

  /** Read by the chunk: a line without an end must not fill the memory. */
  #logLines(stderr: Readable): void {
    stderr.setEncoding('utf8').on('data', (chunk: string) => {
      for (const line of chunk.slice(0, logChunkChars).split('\n')) {
        if (line.trim() === '') continue;
        this.#stderrTail = oneLine(line, stderrTailChars);
        this.#log.debug({ line: oneLine(line, logLineChars) }, 'standard error of an MCP server');
      }
    });
  }

  #readMessages(stdout: Readable): void {
    let parts: Buffer[] = [];
    let size = 0;
    stdout.on('data', (chunk: Buffer) => {
      let rest = chunk;
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
        this.#readLine(Buffer.concat([...parts, rest.subarray(0, end)]).toString('utf8'));
        rest = rest.subarray(end + 1);
        parts = [];
        size = 0;
      }
      parts.push(rest);
      size += rest.length;
      if (size <= messageBytesMax || this.#closing !== null) return;
      parts = [];
      this.#endReason = `a message of more than ${messageBytesMax} bytes`;
      stdout.destroy();
      void this.close(false);
    });
  }

  #readLine(line: string): void {
    if (line.trim() === '' || this.#closing !== null) return;
    let message: JSONRPCMessage;
    try {
      message = deserializeMessage(line);
    } catch {
      this.#log.debug({ line: oneLine(line, logLineChars) }, 'not a message of MCP');
      return;
    }
    this.onmessage?.(message);
  }

  send(message: JSONRPCMessage): Promise<void> {
    const stdin = this.#process?.stdin;
    if (stdin === undefined || this.#closing !== null || !stdin.writable) {
      return Promise.reject(new Error('the MCP server is not running'));
    }
    return new Promise((resolve, reject) => {
      stdin.write(serializeMessage(message), (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  /** Resolves when no process of the server is left. Requests in flight are rejected at once. */
  close(isGraceful = true): Promise<void> {
    this.#closing ??= this.#end(isGraceful);
    return this.#closing;
  }

  async #end(isGraceful: boolean): Promise<void> {
    await Promise.resolve();
    this.onclose?.();
    await (isGraceful ? this.#process?.stop() : this.#process?.kill());
  }
}
