/** The workers of a cluster: who owns what, who grants the requests to each model server, and what has moved. */
import type { ClusterChange, ClusterView } from '#shared/wire/cluster-view';
import { ui } from '#shared/page/ui';
import { PolledView } from './polled-view.ts';
import { call, messageOf } from './api.ts';
import { duration, moment } from './format.ts';

/** The page asks again at this interval while the view is shown. */
const lookMs = 1_000;
/** Colours of the map; more workers take them again. */
const colours = 8;
const cellsPerRow = 16;

type WorkerRow = ClusterView['workers'][number];

export class WorkersView extends PolledView {
  /** Undefined: not asked yet; null: the core is alone. */
  #cluster: ClusterView | null | undefined;
  #problem = '';
  #isAsking = false;

  constructor() {
    super(
      ui`<section class="drafts-view workers-view" aria-label="Workers" tabindex="-1" />`,
      lookMs,
    );
    this.draw();
  }

  open(): void {
    this.poll();
  }

  protected async look(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      this.#cluster = (await call<{ cluster: ClusterView | null }>('/cluster')).cluster;
      this.#problem = '';
    } catch (error) {
      this.#problem = messageOf(error);
    } finally {
      this.#isAsking = false;
    }
    this.draw();
  }

  protected content() {
    return ui`<div>
      <h2>Workers</h2>
      <p role="alert" class="problem">${this.#problem}</p>
      ${this.#body()}
    </div>`;
  }

  #body() {
    const cluster = this.#cluster;
    if (cluster === undefined) return ui`<p class="empty">Asking the core …</p>`;
    if (cluster === null)
      return ui`<p class="note">This core is alone: its configuration has no section cluster.</p>`;
    const free = cluster.leases.filter(({ worker }) => worker === null).length;
    return ui`
      ${cluster.is_confirmed ? '' : ui`<p class="problem">The beats of this worker are not stored: others take its work over.</p>`}
      ${workersTable(cluster)}
      <h3>Partitions</h3>
      ${partitionMap(cluster)}
      ${free === 0 ? '' : ui`<p class="problem">${`${free} leases have no owner.`}</p>`}
      <h3>Gates</h3>
      ${gatesTable(cluster)}
      <h3>What has moved</h3>
      ${changesTable(cluster.changes)}
      <h3>Leases</h3>
      <details><summary>${`All ${cluster.leases.length} with their epochs`}</summary>${leasesTable(cluster)}</details>`;
  }
}

const headRow = (heads: readonly string[]) =>
  ui`<thead><tr>${heads.map((head) => ui`<th scope="col">${head}</th>`)}</tr></thead>`;

function workersTable({ workers }: ClusterView) {
  const heads = [
    'worker',
    'version',
    'partitions',
    'roles',
    'arbiter of',
    'last beat',
    'takeovers',
    'fenced commits',
    'notes',
  ];
  return ui`<table aria-label="Workers">
    ${headRow(heads)}
    <tbody>
      ${workers.map(
        (one, index) => ui`<tr data-id=${one.id} key=${one.id}>
          <th scope="row"><span class="swatch w${index % colours}" aria-hidden="true"></span>${one.name}</th>
          <td data-label="version">${`${one.version ?? 'unknown'}, machine ${one.machine}, on ${one.host ?? 'unknown'}`}</td>
          <td data-label="partitions">${one.partitions.length}</td>
          <td class="wide" data-label="roles">${listed(one.roles)}</td>
          <td data-label="arbiter of">${listed(one.gates)}</td>
          <td data-label="last beat">${one.is_self ? 'itself' : `${duration(one.silent_ms)} ago`}</td>
          <td data-label="takeovers">${one.counters?.takeovers ?? 'unknown'}</td>
          <td data-label="fenced commits">${one.counters?.fenced_commits ?? 'unknown'}</td>
          <td class="wide" data-label="notes">${notesOf(one)}</td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}

const listed = (names: readonly string[]): string => (names.length === 0 ? '–' : names.join(', '));

const notesOf = ({ is_self: isSelf, is_isolated: isIsolated, counters }: WorkerRow): string =>
  [
    isSelf ? 'answers this page' : '',
    isIsolated ? 'has no connection to NATS' : '',
    counters === null ? 'does not answer' : '',
  ]
    .filter((note) => note !== '')
    .join('; ');

/** One cell per partition; the table above says how many each worker has. */
function partitionMap({ workers, leases }: ClusterView) {
  const owned = leases.flatMap(({ name, worker, epoch }) => {
    const [, number] = /^part\/(\d+)$/.exec(name) ?? [];
    return number === undefined ? [] : [{ number: Number(number), worker, epoch }];
  });
  const cells = owned.toSorted((a, b) => a.number - b.number);
  const rows = Math.ceil(cells.length / cellsPerRow);
  const free = cells.filter(({ worker }) => workers.every(({ id }) => id !== worker)).length;
  const counts = workers.map(({ name, partitions }) => `${partitions.length} of ${name}`);
  const label = [...counts, ...(free === 0 ? [] : [`${free} without an owner`])].join(', ');
  return ui`<svg class="partition-map" viewBox=${`0 0 ${cellsPerRow * 20} ${rows * 20}`} role="img" aria-label=${`Partitions: ${label}`}>
    ${cells.map(({ number, worker, epoch }, index) => {
      const at = workers.findIndex(({ id }) => id === worker);
      const owner = workers[at]?.name ?? 'no owner';
      const place = {
        x: (index % cellsPerRow) * 20 + 1,
        y: Math.floor(index / cellsPerRow) * 20 + 1,
      };
      return ui`<rect key=${number} class=${at < 0 ? 'free' : `w${at % colours}`} x=${place.x} y=${place.y} width="18" height="18" rx="3"><title>${`partition ${number}: ${owner}, epoch ${epoch}`}</title></rect>`;
    })}
  </svg>`;
}

function gatesTable({ gates }: ClusterView) {
  if (gates.length === 0) return ui`<p class="note">None.</p>`;
  return ui`<table aria-label="Gates">
    ${headRow(['backend', 'arbiter', 'epoch', 'permits'])}
    <tbody>
      ${gates.map(
        ({ backend, worker, epoch, permits }) => ui`<tr key=${backend}>
          <th scope="row"><a href="#/gates">${backend}</a></th>
          <td data-label="arbiter">${worker ?? 'unknown'}</td>
          <td data-label="epoch">${epoch ?? '–'}</td>
          <td class="wide" data-label="permits">${listed(permits.map((one) => `${one.worker} (${one.fence})`))}</td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}

function changesTable(changes: readonly ClusterChange[]) {
  if (changes.length === 0) return ui`<p class="note">Nothing since this worker has joined.</p>`;
  return ui`<table aria-label="What has moved">
    ${headRow(['at', 'what', 'leases'])}
    <tbody>
      ${changes.map(
        (change) => ui`<tr class=${change.type}>
          <th scope="row">${moment(change.at)}</th>
          <td data-label="what">${sentenceOf(change)}</td>
          <td class="wide" data-label="leases">${namesOf(change.leases)}</td>
        </tr>`,
      )}
    </tbody>
  </table>`;
}

function sentenceOf({ type, worker, from }: ClusterChange): string {
  if (type === 'joined') return `${worker} has joined`;
  if (type === 'gone') return `${worker} is gone`;
  if (from === null) return `${worker} has taken free leases`;
  return type === 'takeover'
    ? `${worker} has taken over from ${from}`
    : `${from} has handed over to ${worker}`;
}

/** Partitions as a number, others by name. */
function namesOf(leases: readonly string[]): string {
  const parts = leases.filter((name) => name.startsWith('part/'));
  const others = leases.filter((name) => !name.startsWith('part/'));
  const count = parts.length === 1 ? parts[0]! : `${parts.length} partitions`;
  return [...(parts.length === 0 ? [] : [count]), ...others].join(', ');
}

function leasesTable({ workers, leases }: ClusterView) {
  const names = new Map(workers.map(({ id, name }) => [id, name]));
  return ui`<table aria-label="Leases">
    ${headRow(['lease', 'owner', 'epoch'])}
    <tbody>
      ${leases
        .toSorted((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }))
        .map(
          ({ name, worker, epoch }) => ui`<tr key=${name}>
            <th scope="row">${name}</th>
            <td data-label="owner">${worker === null ? 'none' : (names.get(worker) ?? 'one that is gone')}</td>
            <td data-label="epoch">${epoch}</td>
          </tr>`,
        )}
    </tbody>
  </table>`;
}
