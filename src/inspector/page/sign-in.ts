/** The key form: shown instead of the page, and again when the core no longer accepts the key. */
import {
  askSession,
  call,
  forgetKey,
  isKey,
  messageOf,
  Refused,
  statusOf,
  storedKey,
  storeKey,
  type Session,
} from './api.ts';
import { built, ui } from '#shared/page/ui';

/** The link of an invite; the code is in the fragment, which no server logs. */
const inviteLink = /^#code=([\w-]{1,40})$/;
/** What a person types from an invite. */
const isCode = (text: string): boolean => /^[a-z\d]{10}$/i.test(text.replace(/[\s-]/g, ''));

/**
 * A browser that is signed in by a cookie needs no key. Else asks until the core has accepted a key or the one-time code of
 * an invite. Only well-formed keys are sent, and only accepted keys are stored.
 */
export async function signIn(place: Element): Promise<Session> {
  const [, invited = ''] = inviteLink.exec(location.hash) ?? [];
  // Also a reload must not try it again.
  if (invited !== '') history.replaceState(null, '', location.pathname + location.search);
  let [key, problem] = [invited || storedKey(), ''];
  const signedIn = key === '' ? await sessionOfCookie() : null;
  if (signedIn !== null) return signedIn;
  for (;;) {
    if (key !== '') {
      try {
        return await open(key);
      } catch (error) {
        const isWrong = statusOf(error) === 401;
        problem = isWrong ? problemOf(key) : messageOf(error);
        // The key may be right if the core could not check it.
        if (isWrong) key = '';
      }
    }
    key = (await typedKey(place, key, problem)).trim();
  }
}

/** Null: there is none, or the core could not check it; then the form says why a key is refused. */
const sessionOfCookie = (): Promise<Session | null> => askSession('').catch(() => null);

/** As a key first: a wrong code counts against the open invites. */
async function open(text: string): Promise<Session> {
  try {
    if (!isKey(text)) throw new Refused(401);
    const session = await askSession(text);
    storeKey(text);
    return session;
  } catch (error) {
    if (statusOf(error) !== 401 || !isCode(text)) throw error;
  }
  await call('/session', { code: text }, '');
  // The key of somebody else would go before the cookie.
  forgetKey();
  return askSession('');
}

const problemOf = (wrong: string): string =>
  isCode(wrong)
    ? 'This is no key, and no code that is valid: a code was used, or its time is over.'
    : 'That key is not known here.';

function typedKey(place: Element, value: string, problem: string): Promise<string> {
  return new Promise((resolve) => {
    const submit = (event: SubmitEvent): void => {
      event.preventDefault();
      resolve(input.value);
    };
    const form = built(ui`<form class="sign-in" onsubmit=${submit}>
      <h2>This core asks for a key</h2>
      <label for="key">API key or one-time code</label>
      <input id="key" type="password" autocomplete="current-password" required value=${value} />
      <button type="submit" class="primary">Open</button>
      <p role="alert" class="problem">${problem}</p>
    </form>`);
    const input = form.querySelector('input')!;
    place.replaceChildren(form);
    input.focus();
  });
}

/** @param onBack called after a sign-in with another key of the same user */
export function createDoorkeeper(place: Element, user: string | null, onBack: () => void) {
  let isClosed = false;

  const ask = async (): Promise<void> => {
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
    isClosed: (): boolean => isClosed,
    /** False: the key is no longer valid, and the form is shown. Null: the core could not check it. */
    async isWelcome(): Promise<boolean | null> {
      if (isClosed) return false;
      try {
        await askSession();
        return true;
      } catch (error) {
        if (statusOf(error) !== 401) return null;
        void ask();
        return false;
      }
    },
  };
}
