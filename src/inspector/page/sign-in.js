/** The key form: shown instead of the page, and again when the core no longer accepts the key. */
import { askSession, forgetKey, isKey, Refused, storedKey, storeKey } from './api.js';
import { h, show } from './dom.js';

/** Asks until the core has accepted a key. Only well-formed keys are sent, and only accepted keys are stored. */
export async function signIn(place) {
  let [key, problem] = [storedKey(), ''];
  for (;;) {
    if (key !== '') {
      try {
        if (!isKey(key)) throw new Refused(401);
        const session = await askSession(key);
        storeKey(key);
        return session;
      } catch (error) {
        const isWrong = error.status === 401;
        problem = isWrong ? 'That key is not known here.' : error.message;
        // The key may be right if the core could not check it.
        if (isWrong) key = '';
      }
    }
    key = (await typedKey(place, key, problem)).trim();
  }
}

function typedKey(place, value, problem) {
  return new Promise((resolve) => {
    const input = h('input', {
      id: 'key',
      type: 'password',
      autocomplete: 'current-password',
      required: true,
      value,
    });
    const form = h(
      'form',
      {
        class: 'sign-in',
        onsubmit(event) {
          event.preventDefault();
          resolve(input.value);
        },
      },
      h('h2', {}, 'This core asks for a key'),
      h('label', { for: 'key' }, 'API key'),
      input,
      h('button', { type: 'submit', class: 'primary' }, 'Open'),
      h('p', { role: 'alert', class: 'problem' }, problem),
    );
    show(place, form);
    input.focus();
  });
}

/**
 * @param {Element} place @param {string | null} user of the current key
 * @param {() => void} onBack called after a sign-in with another key of the same user
 */
export function createDoorkeeper(place, user, onBack) {
  let isClosed = false;

  const ask = async () => {
    isClosed = true;
    forgetKey();
    const session = await signIn(place);
    // The page is reloaded so that no data of one user stays for another.
    if (session.user !== user) location.reload();
    isClosed = session.user !== user;
    if (!isClosed) onBack();
  };

  return {
    /** True while the form is shown instead of the page. */
    isClosed: () => isClosed,
    /** False: the key is no longer valid, and the form is shown. Null: the core could not check it. */
    async isWelcome() {
      if (isClosed) return false;
      try {
        await askSession();
        return true;
      } catch (error) {
        if (error.status !== 401) return null;
        void ask();
        return false;
      }
    },
  };
}
