/** Sets up the page: view, connection, key, theme. */
import { built, ui } from '#shared/page/ui';
import type { PageMessage, PageRequest } from '../page-messages.ts';
import { hidesTexts, messageOf, setHidesTexts } from './api.ts';
import { ChatBox } from './chat-box.ts';
import { connect, type Connection, type ConnectionStatus } from './connection.ts';
import { DraftsView } from './drafts-view.ts';
import { GatesView } from './gates-view.ts';
import { JobView } from './job-view.ts';
import { JobList } from './job-list.ts';
import { routeOf, titleOf, type Route } from './route.ts';
import { MemoryView } from './memory-view.ts';
import { PeopleView } from './people-view.ts';
import { SchedulesView } from './schedules-view.ts';
import { createDoorkeeper, signIn } from './sign-in.ts';
import { StatelyView } from './stately-view.ts';
import { WorkersView } from './workers-view.ts';

const element = (selector: string): HTMLElement => document.querySelector<HTMLElement>(selector)!;
const place = element('#view');
const statusWords = {
  open: 'live',
  lost: 'connection lost, trying again',
  refused: 'the key is not taken any more',
};

const openJob = (jobId: string): void => void (location.hash = `#/jobs/${jobId}`);

function chooseTheme(): void {
  const { dataset } = document.documentElement;
  const stored = localStorage.getItem('gatehouse-theme');
  if (stored !== null) dataset['theme'] = stored;
  element('#theme').addEventListener('click', () => {
    const system = matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light';
    const next = (dataset['theme'] ?? system) === 'dark' ? 'light' : 'dark';
    dataset['theme'] = next;
    localStorage.setItem('gatehouse-theme', next);
  });
}

function showStatus(now: ConnectionStatus): void {
  const status = element('#connection');
  status.textContent = statusWords[now];
  status.classList.toggle('lost', now !== 'open');
}

function markLink(name: string): void {
  for (const link of document.querySelectorAll<HTMLElement>('[data-view]')) {
    if (link.dataset['view'] === name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

function onHideTexts(action: () => void): void {
  const hide = element('#hide-texts');
  const showHide = (): void => hide.setAttribute('aria-pressed', String(hidesTexts()));
  hide.addEventListener('click', () => {
    setHidesTexts(!hidesTexts());
    showHide();
    action();
  });
  showHide();
}

/** The parts of the page. */
interface Parts {
  jobView: JobView;
  list: JobList;
  chat: ChatBox;
  gates: GatesView;
  drafts: DraftsView;
  schedules: SchedulesView;
  memory: MemoryView;
  people: PeopleView;
  workers: WorkersView;
  stately: StatelyView;
}

/** Focuses the opened view, unless the user is writing in the chat. */
function followFocus(parts: Parts, before: Route, { view, id }: Route): void {
  const { activeElement: active } = document;
  const isWriting = parts.chat.element.contains(active) && active!.checkVisibility();
  if (isWriting || (view === before.view && id === before.id)) return;
  if (view !== 'jobs') parts[view].focus();
  else if (id !== '') parts.jobView.focus();
  else parts.list.focusOn(before.view === 'jobs' ? before.id : '');
}

/** Passes a message of the core to its part of the page. */
function tell({ jobView, list, gates, drafts, stately }: Parts, message: PageMessage): void {
  if (message.type === 'gatehouse.jobs') list.take(message.events, message.isCut);
  else if (message.type === 'gatehouse.gates') gates.take(message);
  else if (message.type === 'gatehouse.drafts') drafts.take(message.overview);
  else if (message.type === 'gatehouse.guest') stately.take(message);
  else jobView.take(message);
}

/** The list with the chat below it, and the open job. */
function jobsBox({ list, chat, jobView }: Parts): HTMLElement {
  const side = built(ui`<section class="side" aria-label="Jobs" />`);
  side.append(list.element, chat.element);
  const jobs = built(ui`<div class="jobs" />`);
  jobs.append(side, jobView.element);
  return jobs;
}

// The link's `#` address would be taken for a view.
element('.skip').addEventListener('click', (event) => {
  event.preventDefault();
  place.focus();
});

/** Tells the views with details of their own what to show. */
function openPart(
  { drafts, schedules, memory, people, workers }: Parts,
  { view, id, owner }: Route,
): void {
  if (view === 'drafts') drafts.open(id, owner);
  if (view === 'schedules') schedules.open(id);
  else schedules.close();
  if (view === 'memory') memory.open();
  else memory.close();
  if (view === 'people') people.open();
  else people.close();
  if (view === 'workers') workers.open();
  else workers.close();
}

/** Texts are hidden or shown from now on: all views load them again. */
function forgetTexts({ jobView, list, drafts, schedules, memory, stately }: Parts): void {
  jobView.forget();
  list.reload();
  drafts.reload();
  schedules.draw();
  memory.draw();
  stately.clear();
}

/** What the core sends for a view. */
const watchesOf = (route: Route | null): PageRequest[] => [
  { type: 'gatehouse.gates', on: route?.view === 'gates' },
  { type: 'gatehouse.drafts', on: route?.view === 'drafts' },
  { type: 'gatehouse.guests', on: route?.view === 'stately' },
];

/** `user`: the user of the key; null: the operator's. */
function start(user: string | null): void {
  let current: Route | null = null;
  const send = (message: PageRequest): void => connection?.send(message);
  const jobView: JobView = new JobView(send, {
    onState(word) {
      if (current?.view === 'jobs') document.title = titleOf(current, word);
    },
    onJob: openJob,
  });
  const parts: Parts = {
    jobView,
    list: new JobList(),
    chat: new ChatBox({ sender: user, onJob: openJob, shownDraft: (who) => jobView.draftOf(who) }),
    gates: new GatesView(),
    drafts: new DraftsView(user),
    schedules: new SchedulesView(),
    memory: new MemoryView(),
    people: new PeopleView(user),
    workers: new WorkersView(),
    stately: new StatelyView(),
  };
  const { list, stately } = parts;
  const jobs = jobsBox(parts);
  let connection: Connection | null = null;

  const route = (): void => {
    if (doorkeeper.isClosed()) return;
    const before = current;
    const now = routeOf(location.hash);
    current = now;
    const { view, id } = now;
    const jobId = view === 'jobs' ? id : '';
    markLink(view);
    document.title = titleOf(now, '');
    const shown = view === 'jobs' ? jobs : parts[view].element;
    if (place.firstElementChild !== shown) place.replaceChildren(shown);
    jobs.classList.toggle('has-job', jobId !== '');
    jobView.open(jobId);
    list.select(jobId);
    openPart(parts, now);
    for (const message of watchesOf(current)) send(message);
    if (before !== null) followFocus(parts, before, now);
  };

  const doorkeeper = createDoorkeeper(place, user, () => {
    route();
    connection?.reopen();
  });

  connection = connect({
    isWelcome: doorkeeper.isWelcome,
    greet: () => [
      { type: 'gatehouse.jobs', on: true },
      ...watchesOf(current),
      jobView.watchMessage(),
    ],
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
    forgetTexts(parts);
    connection?.reopen();
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
  place.replaceChildren(built(ui`<p role="alert" class="problem">${messageOf(error)}</p>`));
}
