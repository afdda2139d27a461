/** Sets up the page: view, connection, key, theme. */
import { hidesTexts, setHidesTexts } from './api.js';
import { connect } from './connection.js';
import { h, show } from './dom.js';
import { DraftsView } from './drafts-view.js';
import { createGatesView } from './gates-view.js';
import { JobView } from './job-view.js';
import { JobList } from './job-list.js';
import { routeOf, titleOf } from './route.js';
import { createChatBox } from './chat-box.js';
import { createDoorkeeper, signIn } from './sign-in.js';
import { StatelyView } from './stately-view.js';

const place = document.querySelector('#view');
const status = document.querySelector('#connection');
const statusWords = {
  open: 'live',
  lost: 'connection lost, trying again',
  refused: 'the key is not taken any more',
};

const openJob = (jobId) => (location.hash = `#/jobs/${jobId}`);

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

function showStatus(now) {
  status.textContent = statusWords[now];
  status.classList.toggle('lost', now !== 'open');
}

function markLink(name) {
  for (const link of document.querySelectorAll('[data-view]')) {
    if (link.dataset.view === name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

function onHideTexts(action) {
  const hide = document.querySelector('#hide-texts');
  const showHide = () => hide.setAttribute('aria-pressed', String(hidesTexts()));
  hide.addEventListener('click', () => {
    setHidesTexts(!hidesTexts());
    showHide();
    action();
  });
  showHide();
}

/** Focuses the opened view, unless the user is writing in the chat. */
function followFocus({ jobView, list, drafts, chat, elements }, before, { view, id }) {
  const { activeElement: active } = document;
  const isWriting = chat.contains(active) && active.checkVisibility();
  if (isWriting || (view === before.view && id === before.id)) return;
  if (view === 'jobs' && id !== '') jobView.focus();
  else if (view === 'jobs') list.focus(before.view === 'jobs' ? before.id : '');
  else if (view === 'drafts') drafts.focus();
  else elements[view].focus();
}

/** Passes a message of the core to its part of the page. */
function tell({ jobView, list, gates, drafts, stately }, message) {
  if (message.type === 'gatehouse.jobs') list.take(message.events, message.isCut);
  else if (message.type === 'gatehouse.gates') gates.take(message);
  else if (message.type === 'gatehouse.drafts') drafts.take(message);
  else if (message.type === 'gatehouse.guest') stately.take(message);
  else jobView.take(message);
}

// The link's `#` address would be taken for a view.
document.querySelector('.skip').addEventListener('click', (event) => {
  event.preventDefault();
  place.focus();
});

/** `user`: the user of the key; null: the operator's. */
function start(user) {
  const send = (message) => connection.send(message);
  const jobView = new JobView(send, {
    onState(word) {
      if (view === 'jobs') document.title = titleOf(current, word);
    },
    onJob: openJob,
  });
  const list = new JobList();
  const gates = createGatesView();
  const drafts = new DraftsView(user);
  const stately = new StatelyView();
  const chat = createChatBox(user, openJob, (sender) => jobView.draftOf(sender));
  const side = h('section', { class: 'side', 'aria-label': 'Jobs' }, list.element, chat);
  const jobs = h('div', { class: 'jobs' }, side, jobView.element);
  const elements = { jobs };
  for (const [name, { element }] of Object.entries({ gates, drafts, stately }))
    elements[name] = element;
  const parts = { jobView, list, gates, drafts, stately, chat, elements };
  let view = '';
  let current = { view: '', id: '', owner: '' };

  const watches = () => [
    { type: 'gatehouse.gates', on: view === 'gates' },
    { type: 'gatehouse.drafts', on: view === 'drafts' },
    { type: 'gatehouse.guests', on: view === 'stately' },
  ];
  const route = () => {
    if (doorkeeper.isClosed()) return;
    const before = current;
    current = routeOf(location.hash);
    const { view: name, id, owner } = current;
    markLink(name);
    document.title = titleOf(current, '');
    if (name !== view) show(place, elements[name]);
    view = name;
    jobs.classList.toggle('has-job', name === 'jobs' && id !== '');
    jobView.open(name === 'jobs' ? id : '');
    list.select(name === 'jobs' ? id : '');
    if (name === 'drafts') drafts.open(id, owner);
    for (const message of watches()) send(message);
    if (before.view !== '') followFocus(parts, before, current);
  };

  const doorkeeper = createDoorkeeper(place, user, () => {
    view = '';
    route();
    connection.reopen();
  });

  const connection = connect({
    isWelcome: doorkeeper.isWelcome,
    greet: () => [{ type: 'gatehouse.jobs', on: true }, ...watches(), jobView.watchMessage()],
    onStatus(now) {
      showStatus(now);
      if (now === 'open') {
        // Loads what was missed while disconnected.
        list.refresh();
        jobView.drawChart();
      } else list.lose();
    },
    onMessage: (message) => tell(parts, message),
  });

  onHideTexts(() => {
    jobView.forget();
    list.reload();
    drafts.reload();
    stately.clear();
    connection.reopen();
  });
  stately.receive();
  addEventListener('hashchange', route);
  route();
}

chooseTheme();
try {
  const { user } = 'needsKey' in document.body.dataset ? await signIn(place) : { user: null };
  start(user);
} catch (error) {
  show(place, h('p', { role: 'alert', class: 'problem' }, error.message));
}
