/** Sends each action of the user to the server and shows refusals. */

const problem = document.querySelector('#problem');

/** @param {{ do: string, [field: string]: unknown }} action @returns {Promise<boolean>} whether it was done */
export async function act(action) {
  problem.textContent = '';
  try {
    const response = await fetch('/do', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(action),
    });
    const answer = await response.json();
    if (!response.ok) problem.textContent = answer.problem;
    return response.ok;
  } catch {
    problem.textContent = 'The fake NAS cannot be reached.';
    return false;
  }
}
