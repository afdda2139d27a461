/** Bots and webhooks: the target URL of each, the URL that a bridge posts to, and whether it has stopped sending. */
import { ui } from '#shared/page/ui';
import type { DsmState } from '../dsm-controls.ts';
import { act } from './act.ts';

const kinds = { bot: 'Bot', outgoing: 'Outgoing webhook', incoming: 'Incoming webhook' };

export const integrationPanel = ({ integrations, fingerprint256 }: DsmState) =>
  ui`<div class="integrations">
    ${integrations.map(card)}
    ${fingerprint256 && ui`<p class="note">Certificate (SHA-256): <code>${fingerprint256}</code></p>`}
  </div>`;

function card({ kind, name, bridgeUrl, apiUrl, isSulking }: DsmState['integrations'][number]) {
  const field = `url-${name}`;
  const save = (event: SubmitEvent): void => {
    event.preventDefault();
    const form = event.currentTarget as HTMLFormElement;
    const url = form.querySelector('input')!.value.trim();
    void act({ do: 'saveUrl', integration: name, ...(url === '' ? {} : { url }) });
  };
  return ui`<form class="integration" onsubmit=${save} aria-label=${name} key=${name}>
    <h3>${kinds[kind]} ${name}</h3>
    ${isSulking && ui`<p class="problem">It has stopped sending: a request to the bot server failed.</p>`}
    <label for=${field}>Outgoing URL</label>
    <input id=${field} type="url" key=${bridgeUrl} defaultValue=${bridgeUrl ?? ''}
      placeholder="http://127.0.0.1:8101/webhook/synology" />
    <button type="submit" class=${isSulking ? 'primary' : ''}>Save the URL</button>
    ${apiUrl && ui`<p class="note">Incoming URL: <code>${apiUrl}</code></p>`}
  </form>`;
}
