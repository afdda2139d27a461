/** Puts the page together: which view, the connection, the key, light or dark. */
import { call, hidesTexts, setHidesTexts, storeKey } from './api.js';
import { connect } from './connection.js';
import { h, show } from './dom.js';
import { DraftsView } from './drafts-view.js';
import { createGatesView } from './gates-view.js';
import { JobView } from './job-view.js';
import { JobList } from './job-list.js';
import { createChatBox } from './chat-box.js';
import { StatelyView } from './stately-view.js';

const place = document.querySelector('#view');
const status = document.querySelector('#connection');

function chooseTheme() {
  const stored = localStorage.getItem('gatehouse-theme');
  if (stored !== null) document.documentElement.dataset.theme = stored;
  document.querySelector('#theme').addEventListener('click', () => {
    const isDark = getComputedStyle(document.documentElement).colorScheme.includes('dark');
    const wasForced = document.documentElement.dataset.theme;
    const systemIsDark = matchMedia('(prefers-color-scheme: dark)').matches;
    const now = wasForced ?? (isDark && systemIsDark ? 'dark' : 'light');
    const next = now === 'dark' ? 'light' : 'dark';
    document.documentElement.dataset.theme = next;
    localStorage.setItem('gatehouse-theme', next);
  });
}

async function askForKey() {
  for (let wrong = false; ; wrong = true) {
    try {
      return await call('/inspect/api/session');
    } catch (error) {
      if (error.status !== 401) throw error;
      storeKey(await typedKey(wrong));
    }
  }
}

function typedKey(wasWrong) {
  return new Promise((resolve) => {
    const input = h('input', {
      id: 'key',
      type: 'password',
      autocomplete: 'current-password',
      required: true,
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
      h('p', { role: 'alert', class: 'problem' }, wasWrong ? 'That key is not known here.' : ''),
    );
    show(place, form);
    input.focus();
  });
}

/** `user`: whose key it is; null: the operator's. */
function start(user) {
  const send = (message) => connection.send(message);
  const jobView = new JobView(send);
  const list = new JobList();
  const gates = createGatesView();
  const drafts = new DraftsView(user);
  const stately = new StatelyView();
  const chat = createChatBox(user, (jobId) => (location.hash = `#/jobs/${jobId}`));
  const side = h('section', { class: 'side', 'aria-label': 'Jobs' }, list.element, chat);
  const jobs = h('div', { class: 'jobs' }, side, jobView.element);
  let view = '';

  const route = () => {
    const [, name = 'jobs', id = '', owner = ''] = location.hash.split('/');
    for (const link of document.querySelectorAll('[data-view]')) {
      if (link.dataset.view === name) link.setAttribute('aria-current', 'page');
      else link.removeAttribute('aria-current');
    }
    const elements = {
      jobs,
      gates: gates.element,
      drafts: drafts.element,
      stately: stately.element,
    };
    if (name !== view) show(place, elements[name] ?? jobs);
    view = name;
    jobs.classList.toggle('has-job', name === 'jobs' && id !== '');
    jobView.open(name === 'jobs' ? id : '');
    list.select(name === 'jobs' ? id : '');
    if (name === 'drafts') drafts.open(id, decodeURIComponent(owner));
    send({ type: 'gatehouse.gates', on: name === 'gates' });
    send({ type: 'gatehouse.drafts', on: name === 'drafts' });
    send({ type: 'gatehouse.guests', on: name === 'stately' });
  };

  const connection = connect({
    greet: () => [
      { type: 'gatehouse.jobs', on: true },
      { type: 'gatehouse.gates', on: view === 'gates' },
      { type: 'gatehouse.drafts', on: view === 'drafts' },
      { type: 'gatehouse.guests', on: view === 'stately' },
      jobView.watchMessage(),
    ],
    onStatus(now) {
      status.textContent = now === 'open' ? 'live' : 'connection lost, trying again';
      status.classList.toggle('lost', now !== 'open');
      // What happened while nobody listened.
      if (now === 'open') list.refresh();
    },
    onMessage(message) {
      if (message.type === 'gatehouse.jobs') list.take(message.events, message.isCut);
      else if (message.type === 'gatehouse.gates') gates.take(message);
      else if (message.type === 'gatehouse.drafts') drafts.take(message);
      else if (message.type === 'gatehouse.guest') stately.take(message);
      else jobView.take(message);
    },
  });

  const hide = document.querySelector('#hide-texts');
  const showHide = () => hide.setAttribute('aria-pressed', String(hidesTexts()));
  hide.addEventListener('click', () => {
    setHidesTexts(!hidesTexts());
    showHide();
    jobView.forget();
    list.reload();
    connection.reopen();
  });
  showHide();
  stately.receive();
  addEventListener('hashchange', route);
  route();
}

chooseTheme();
try {
  const { user } = 'needsKey' in document.body.dataset ? await askForKey() : { user: null };
  start(user);
} catch (error) {
  show(place, h('p', { role: 'alert', class: 'problem' }, error.message));
}
