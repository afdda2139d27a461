/** The first output of `gatehouse serve` on a terminal: its address, its models, and what is not configured. */
import type { Config } from '#app/config/config';
import type { Core } from '#app/core';

/** Four lines, each with a line end. */
export function bannerOf(core: Pick<Core, 'url' | 'pool'>, config: Config): string {
  const { url, pool } = core;
  const models = pool.members.map(({ config: { id, model } }) => `${id} (${model})`).join(', ');
  const isPractice = pool.origin === 'practice';
  const missing = [
    ...(isPractice ? ['a model server (start Ollama or another: it is found within 15 s)'] : []),
    ...(config.tools.email.provider === 'none' ? ['mail (tools.email)'] : []),
    ...(config.nats.mode === 'off' ? ['NATS (nats.mode)'] : []),
  ];
  return [
    `Gatehouse  ${url}  talk to it: gatehouse chat`,
    `inspector  ${url}/inspect`,
    `model      ${isPractice ? 'the built-in practice model: no model server was found' : models}`,
    `missing    ${missing.length === 0 ? 'nothing' : missing.join(', ')}; gatehouse doctor says more`,
    '',
  ].join('\n');
}
