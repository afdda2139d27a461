/**
 * An MCP server on standard input and output that does what a script file says, without the SDK: it can break the
 * protocol. The script is read again for each request. Each call of a tool is one line of the log file.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import type { Behaviour, Script } from './scripted-server.ts';

const [scriptPath = '', logPath = ''] = process.argv.slice(2);
const script = (): Script => JSON.parse(readFileSync(scriptPath, 'utf8')) as Script;
const write = (message: object): void => {
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
};
const textResult = (text: string) => ({ content: [{ type: 'text', text }] });

function answerCall(id: number, name: string, behaviour: Behaviour): void {
  switch (behaviour.does) {
    case 'answers':
      return write({ id, result: behaviour.result ?? textResult(`${name} is done`) });
    case 'fails':
      return write({ id, error: { code: behaviour.code ?? -32603, message: 'it failed' } });
    case 'is silent':
      return;
    case 'ends':
      return process.exit(3);
    case 'writes garbage': {
      process.stdout.write('this is no message\n{"half":\n\u0000\u0001\n');
      return write({ id, result: textResult('after the garbage') });
    }
    case 'writes 10 MB':
      return write({ id, result: textResult('x'.repeat(10_000_000)) });
    case 'floods with progress': {
      for (let progress = 0; progress < 20_000; progress += 1) {
        const params = { progressToken: id, progress, message: 'x'.repeat(100) };
        write({ method: 'notifications/progress', params });
      }
      return write({ id, result: textResult('after the flood') });
    }
    case 'changes its tools':
      write({ id, result: textResult('changed') });
      return write({ method: 'notifications/tools/list_changed' });
  }
}

process.stdout.write(script().banner ?? '');
createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = JSON.parse(line) as {
    id: number;
    method: string;
    params: { name: string; arguments: unknown };
  };
  const { tools, behaviours = {}, noise = '', isEndless = false, asks = [] } = script();
  if (noise !== '') process.stderr.write(noise);
  switch (method) {
    case 'initialize':
      return write({
        id,
        result: {
          protocolVersion: '2025-06-18',
          capabilities: { tools: { listChanged: true } },
          serverInfo: { name: 'scripted', version: '1' },
        },
      });
    case 'tools/list':
      return write({ id, result: { tools, ...(isEndless ? { nextCursor: 'again' } : {}) } });
    case 'tools/call': {
      const { name } = params;
      asks.forEach((asked, index) => write({ id: `ask-${index}`, method: asked, params: {} }));
      appendFileSync(logPath, `${JSON.stringify({ name, arguments: params.arguments })}\n`);
      return answerCall(id, name, behaviours[name] ?? { does: 'answers' });
    }
    default:
      if (id !== undefined && method !== undefined)
        write({ id, error: { code: -32601, message: 'no such method' } });
  }
});
