/** The last requests to the API with their responses, newest first. */
import { clock, ui } from '#shared/page/ui';
import type { ApiRequest } from '../api-request.ts';

/** Rows that are shown. */
export const requestsShownMax = 100;

const answerOf = ({ outcome, code, httpStatus }: ApiRequest): string => {
  if (outcome === 'error') return `${httpStatus} · code ${code}`;
  return outcome === 'cut' ? 'cut' : `${httpStatus} · ${outcome}`;
};

/** @param requests newest first */
export const trafficPanel = (requests: readonly ApiRequest[]) =>
  ui`<div class="traffic">
    <table aria-label="Requests to the API">
      <thead><tr>${['Time', 'Method', 'Answer', 'Text'].map((name) => ui`<th>${name}</th>`)}</tr></thead>
      <tbody>${requests.map(rowOf)}</tbody>
    </table>
  </div>`;

function rowOf(request: ApiRequest) {
  const { n, atMs, method, text, fault, outcome, postIds } = request;
  const isLost = outcome === 'cut' && postIds.length > 0;
  return ui`<tr class=${outcome === 'success' || outcome === 'file' ? '' : 'bad'} key=${n}>
    <td>${clock(atMs)}</td>
    <td>${method}</td>
    <td>${answerOf(request)}${fault && ` (${fault})`}${isLost && ' posted, answer lost'}</td>
    <td class="said">${text}</td>
  </tr>`;
}
