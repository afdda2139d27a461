/** Panels beside the chat: the bot and its chats; failures, limits and rules. */
import { ui } from '#shared/page/ui';
import {
  choice,
  faultForm,
  numberField,
  queuedLine,
  slider,
  toggle,
} from '../../page/fault-controls.ts';
import type { TelegramChat } from '../chat-types.ts';
import type { Fault } from '../faults.ts';
import type { TelegramRules } from '../rules.ts';
import type { TelegramStatus } from '../telegram-controls.ts';
import { act } from './do.ts';

const numbers: [keyof TelegramRules, string][] = [
  ['textLengthMax', 'Longest text'],
  ['chatIntervalMs', 'Milliseconds between messages of a chat'],
  ['chatBurst', 'Messages at once'],
  ['groupPerMinute', 'Messages per minute in a group'],
  ['perSecond', 'Messages per second in all'],
  ['fileBytesMax', 'Largest file (bytes)'],
];

const change = (rule: keyof TelegramRules, value: unknown) =>
  act({ do: 'rules', change: { [rule]: value } });

/** @param faults by the name that the page shows */
export const failurePanel = (
  { rules, storm, faults: queued, ...state }: TelegramStatus,
  faults: Readonly<Record<string, Fault>>,
) =>
  ui`<div class="failures">
    ${faultForm(
      faults,
      (fault, times) => act({ do: 'fail', fault, times }),
      () => act({ do: 'clearFaults' }),
    )}
    ${queuedLine(queued)}
    ${slider('Storm: requests that fail', storm?.rate ?? 0, (rate) => act({ do: 'storm', rate }))}
    ${toggle('The token is valid', state.token !== null, (isValid) => act({ do: 'token', isValid }))}
    ${toggle('Connections are accepted', state.isListening, (isListening) =>
      act({ do: 'connections', isListening }),
    )}
    ${toggle('Privacy mode in groups', rules.privacyMode, (on) => change('privacyMode', on))}
    ${toggle('Privacy mode passes mentions', rules.privacyPassesMentions, (on) =>
      change('privacyPassesMentions', on),
    )}
    ${choice(
      'Length counted in',
      rules.textLengthUnit,
      { utf16: 'UTF-16 code units', codePoints: 'code points' },
      (value) => change('textLengthUnit', value),
    )}
    ${numbers.map(([rule, text]) => numberField(text, Number(rules[rule]), (value) => change(rule, value)))}
    <button type="button" onclick=${() => act({ do: 'redeliver', count: 5 })}>
      Send the last 5 updates again
    </button>
  </div>`;

export const botPanel = (state: TelegramStatus, chats: readonly TelegramChat[]) =>
  ui`<div class="integrations">
    <p>@${state.bot.username}: ${state.isPolled ? 'the bot is polling' : 'nobody polls'},
      ${` ${state.pending} updates wait`}</p>
    <p class="note">API: <code>${state.url}</code></p>
    <p class="note">Token: <code>${state.token ?? 'revoked'}</code></p>
    ${state.webhookUrl !== '' && ui`<p class="problem">A webhook is set: ${state.webhookUrl}</p>`}
    ${state.commands.length > 0 && ui`<p class="note">Commands: ${state.commands.map(({ command }) => `/${command}`).join(' ')}</p>`}
    ${state.users.map((user) => userLine(user, chats))}
    ${chats.filter(({ type }) => type !== 'private').map(groupLine)}
  </div>`;

function userLine(
  { id, firstName, isDeactivated }: TelegramStatus['users'][number],
  chats: readonly TelegramChat[],
) {
  const status = chats.find((chat) => chat.id === id)?.bot ?? 'unknown';
  const isBlocked = status === 'blocked';
  const words = isDeactivated ? 'deleted account' : status === 'unknown' ? 'not started' : status;
  return ui`<div class="chat-state" key=${id}>
    <span>${firstName}: ${words}</span>
    <span>
      ${status !== 'unknown' && ui`<button type="button" onclick=${() => act({ do: 'block', userId: id, isBlocked: !isBlocked })}>${isBlocked ? `Unblock for ${firstName}` : `Block for ${firstName}`}</button>`}
      ${!isDeactivated && ui`<button type="button" class="link" onclick=${() => act({ do: 'deactivate', userId: id })}>Delete account</button>`}
    </span>
  </div>`;
}

function groupLine({ id, title, type, bot, migratedTo }: TelegramChat) {
  const isOut = bot !== 'member';
  const words = migratedTo === null ? `${type}, ${bot}` : `is now ${migratedTo}`;
  return ui`<div class="chat-state" key=${id}>
    <span>${title} (${id}): ${words}</span>
    ${
      migratedTo === null &&
      ui`<span>
      <button type="button" onclick=${() => act({ do: 'kick', chatId: id, isKicked: !isOut })}>${isOut ? `Add to ${title}` : `Remove from ${title}`}</button>
      ${type === 'group' && ui`<button type="button" onclick=${() => act({ do: 'migrate', chatId: id })}>Make ${title} a supergroup</button>`}
    </span>`
    }
  </div>`;
}
