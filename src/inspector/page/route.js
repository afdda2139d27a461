/** Which view an address points at, whatever somebody typed behind its `#`; and what the window is called there. */

const titles = { jobs: 'Jobs', gates: 'Gates', drafts: 'Drafts', stately: 'Other actors' };

/** A `%` that begins no escape is itself. */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** @param {string} hash @returns {{ view: string, id: string, owner: string }} an unknown view is the list of jobs */
export function routeOf(hash) {
  const [, view = '', id = '', owner = ''] = hash.split('/').map(decoded);
  return Object.hasOwn(titles, view) ? { view, id, owner } : { view: 'jobs', id: '', owner: '' };
}

/**
 * Without what people wrote: browsers keep titles in their history.
 *
 * @param {{ view: string, id: string }} route @param {string} state of the job that is open; '' while it is unknown
 */
export function titleOf({ view, id }, state) {
  const what = {
    jobs: id === '' ? titles.jobs : `Job ${id.slice(-6)}${state === '' ? '' : `, ${state}`}`,
    drafts: id === '' ? titles.drafts : `Draft ${id.slice(-6)}`,
  };
  return `${what[view] ?? titles[view]} · Gatehouse inspector`;
}
