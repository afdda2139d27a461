/** The key: asked for in the place of the page, and again when the core takes it no longer. */
import { askSession, forgetKey, isKey, Refused, storedKey, storeKey } from './api.js';
import { h, show } from './dom.js';

/** Until the core has taken a key. It is asked only with what can be one, and kept only when it is one. */
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
        // The key may be right where the core could not say so.
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

/** @param {Element} place @param {string | null} user who signed in @param {() => void} onBack with another key of theirs */
export function createDoorkeeper(place, user, onBack) {
  let isClosed = false;

  const ask = async () => {
    isClosed = true;
    forgetKey();
    const session = await signIn(place);
    // Nothing of what one person saw stays for another.
    if (session.user !== user) location.reload();
    isClosed = session.user !== user;
    if (!isClosed) onBack();
  };

  return {
    /** True while the form stands in the place of the page. */
    isClosed: () => isClosed,
    /** False: the key is none any more, and the form is shown. Null: the core could not say. */
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
