/** A worker that is paused while its request runs: sends one request, and prints the status and each piece it receives. */
import { request } from 'node:http';

const [, , url, fence] = process.argv;
const sent = request(
  url,
  {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'gatehouse-gate': 'large',
      'gatehouse-fence': fence,
    },
  },
  (response) => {
    process.stdout.write(`status ${response.statusCode}\n`);
    response.on('data', (data) => process.stdout.write(`data ${data.length}\n`));
    response.on('error', () => undefined);
    response.on('close', () => process.stdout.write('closed\n'));
  },
);
sent.on('error', () => process.stdout.write('closed\n'));
sent.end(JSON.stringify({ messages: [{ role: 'user', content: 'hello' }], stream: true }));
