/** Starts no process: the files and the command line of a scripted MCP server, and what it was called with. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Behaviour {
  does:
    | 'answers'
    | 'fails'
    | 'is silent'
    | 'ends'
    | 'writes garbage'
    | 'writes 10 MB'
    | 'changes its tools'
    | 'floods with progress';
  result?: object;
  code?: number;
}

export interface ScriptedTool {
  name: string;
  description?: string;
  inputSchema?: object;
  outputSchema?: object;
  annotations?: object;
}

export interface Script {
  tools: ScriptedTool[];
  behaviours?: Record<string, Behaviour>;
  /** Written to standard error at each request. */
  noise?: string;
  /** Written to standard output before the first message. */
  banner?: string;
  /** Each page of the list of tools is this one, and names a next page. */
  isEndless?: boolean;
  /** Requests of the server that are sent before each answer of a call. */
  asks?: string[];
}

export interface ScriptedServer {
  /** For the configuration. `behindShell`: a shell starts it, and stays its parent. */
  command(options?: { behindShell?: boolean }): string[];
  script(next: Script): void;
  /** The calls of tools that the server has received. */
  calls(): { name: string; arguments: unknown }[];
}

export const textSchema = { type: 'object', properties: { text: { type: 'string' } } };

export const scriptedTool = (name: string, change: Partial<ScriptedTool> = {}): ScriptedTool => ({
  name,
  description: `does ${name}`,
  inputSchema: textSchema,
  ...change,
});

export function scriptedServer(folder: string, first: Script): ScriptedServer {
  const scriptPath = join(folder, 'mcp-script.json');
  const logPath = join(folder, 'mcp-calls.log');
  const script = (next: Script): void => writeFileSync(scriptPath, JSON.stringify(next));
  script(first);
  const program = join(import.meta.dirname, 'scripted-server-child.ts');
  const plain = [process.execPath, program, scriptPath, logPath];
  return {
    command({ behindShell = false } = {}) {
      // The second command keeps the shell from replacing itself by the first.
      return behindShell ? ['sh', '-c', `${plain.join(' ')}; exit $?`] : plain;
    },
    script,
    calls: () =>
      existsSync(logPath)
        ? readFileSync(logPath, 'utf8')
            .split('\n')
            .filter((line) => line !== '')
            .map((line) => JSON.parse(line) as { name: string; arguments: unknown })
        : [],
  };
}
