/** The view of an address, for any text after its `#`; and the window title of a view. */

const titles = {
  jobs: 'Jobs',
  gates: 'Gates',
  drafts: 'Drafts',
  schedules: 'Schedules',
  memory: 'Memory',
  people: 'People',
  workers: 'Workers',
  stately: 'Other actors',
};
export type ViewName = keyof typeof titles;

export interface Route {
  view: ViewName;
  id: string;
  owner: string;
}

/** Text with an invalid `%` escape is used as it is. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The list of jobs for an unknown view. */
export function routeOf(hash: string): Route {
  const [, view = '', id = '', owner = ''] = hash.split('/').map(decoded);
  return Object.hasOwn(titles, view)
    ? { view: view as ViewName, id, owner }
    : { view: 'jobs', id: '', owner: '' };
}

/**
 * Titles contain no texts of users: browsers keep titles in their history.
 *
 * @param state of the open job; '' while it is unknown
 */
export function titleOf({ view, id }: Route, state: string): string {
  let what = titles[view];
  if (id !== '' && view === 'jobs') what = `Job ${id.slice(-6)}${state === '' ? '' : `, ${state}`}`;
  if (id !== '' && view === 'drafts') what = `Draft ${id.slice(-6)}`;
  if (id !== '' && view === 'schedules') what = `Schedule ${id.slice(-6)}`;
  return `${what} · Gatehouse inspector`;
}
