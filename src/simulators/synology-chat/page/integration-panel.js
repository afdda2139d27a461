/** Bots and webhooks: the target URL of each, the URL that a bridge posts to, and whether it has stopped sending. */
import { act } from './act.js';
import { h, show } from './dom.js';

const kinds = { bot: 'Bot', outgoing: 'Outgoing webhook', incoming: 'Incoming webhook' };

export class IntegrationPanel {
  element = h('div', { class: 'integrations' });
  #drawn = '';

  draw({ integrations, fingerprint256 }) {
    const key = JSON.stringify([integrations, fingerprint256]);
    // Redrawn only after a change: a user may be typing into one of its fields.
    if (key === this.#drawn) return;
    this.#drawn = key;
    show(
      this.element,
      ...integrations.map(card),
      fingerprint256 &&
        h('p', { class: 'note' }, 'Certificate (SHA-256): ', h('code', {}, fingerprint256)),
    );
  }
}

function card({ kind, name, bridgeUrl, apiUrl, isSulking }) {
  const field = `url-${name}`;
  const input = h('input', {
    id: field,
    type: 'url',
    value: bridgeUrl ?? '',
    placeholder: 'http://127.0.0.1:8101/webhook/synology',
  });
  const save = (event) => {
    event.preventDefault();
    const url = input.value.trim();
    void act({ do: 'saveUrl', integration: name, ...(url === '' ? {} : { url }) });
  };
  return h(
    'form',
    { class: 'integration', onsubmit: save, 'aria-label': name },
    h('h3', {}, `${kinds[kind]} ${name}`),
    isSulking &&
      h('p', { class: 'problem' }, 'It has stopped sending: a request to the bot server failed.'),
    h('label', { for: field }, 'Outgoing URL'),
    input,
    h('button', { type: 'submit', class: isSulking ? 'primary' : '' }, 'Save the URL'),
    apiUrl && h('p', { class: 'note' }, 'Incoming URL: ', h('code', {}, apiUrl)),
  );
}
