/** The view of an address, for any text after its `#`; and the window title of a view. */

const titles = { jobs: 'Jobs', gates: 'Gates', drafts: 'Drafts', stately: 'Other actors' };

/** Text with an invalid `%` escape is used as it is. */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @param {string} hash @returns {{ view: string, id: string, owner: string }} the list of jobs for an unknown view */
export function routeOf(hash) {
  const [, view = '', id = '', owner = ''] = hash.split('/').map(decoded);
  return Object.hasOwn(titles, view) ? { view, id, owner } : { view: 'jobs', id: '', owner: '' };
}

/**
 * Titles contain no texts of users: browsers keep titles in their history.
 *
 * @param {{ view: string, id: string }} route @param {string} state of the open job; '' while it is unknown
 */
export function titleOf({ view, id }, state) {
  const what = {
    jobs: id === '' ? titles.jobs : `Job ${id.slice(-6)}${state === '' ? '' : `, ${state}`}`,
    drafts: id === '' ? titles.drafts : `Draft ${id.slice(-6)}`,
  };
  return `${what[view] ?? titles[view]} · Gatehouse inspector`;
}
