/** Sends each action of the user to the server and shows refusals. */

/** `A`: the actions of the page's server. Resolves to whether it was done. */
export async function act<A>(action: A): Promise<boolean> {
  const problem = document.querySelector('#problem')!;
  problem.textContent = '';
  try {
    const response = await fetch('/do', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(action),
    });
    const answer = (await response.json()) as { problem?: string };
    if (!response.ok) problem.textContent = answer.problem ?? `Status ${response.status}`;
    return response.ok;
  } catch {
    problem.textContent = 'The simulator cannot be reached.';
    return false;
  }
}
