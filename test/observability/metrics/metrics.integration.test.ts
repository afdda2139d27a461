/** `/metrics`: names, types and meanings as documented, the counts after some jobs, and no names of users. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { direct, openCore, routed, type CoreFixture } from '#test/support/core';
import { fails, says, stalls } from '#test/support/fake-llm-replies';
import { until } from '#test/support/journal';
import { familiesOf, familyName, namesIn, valueOf, type Family } from './exposition.ts';
import { projectRoot } from '#test/support/project-root';

const read = (path: string): string => readFileSync(join(projectRoot, path), 'utf8');

let fixture: CoreFixture;
beforeEach(async () => {
  fixture = await openCore();
});
afterEach(() => fixture.close());

async function scrape(): Promise<Map<string, Family>> {
  const page = await fetch(`${fixture.core.url}/metrics`);
  expect(page.headers.get('content-type')).toContain('version=0.0.4');
  return familiesOf(await page.text());
}

/** Runs a rule with a tool, an answer of the reasoner, and a failure with its fallback. */
async function live(): Promise<void> {
  const { small, large } = fixture;
  small.script(routed);
  large.script(says('hello'));
  await fixture.ask('why is the sky blue?', { user_id: 'SECRETUSER' });
  small.script(says('nothing today'));
  await fixture.ask('오늘 일정 알려줘', { user_id: 'SECRETUSER' });
  small.script(routed, direct('from the fallback'));
  large.script(fails(500));
  await fixture.ask('why is the sea blue?', { user_id: 'SECRETUSER' });
  await fetch(`${fixture.core.url}/documents/search?q=SECRETWORDS`);
  await fetch(`${fixture.core.url}/SECRETADDRESS`);
}

const rows = [
  ...read('docs/metrics.md').matchAll(/^\| `([a-z0-9_]+)` \| (\w+) \| ([^|]*) \| (.+?) \|$/gm),
].map(([, name = '', type, labels = '', meaning]) => ({
  name,
  type,
  labels: labels.split(',').map((one) => one.trim()),
  meaning,
}));

describe('GET /metrics', () => {
  test('has exactly the metrics of docs/metrics.md, with the documented types, labels and meanings', async () => {
    await live();
    const families = await scrape();
    const listed = rows
      .filter(({ name }) => name !== 'process_open_fds' || process.platform === 'linux')
      .map(({ name, type, meaning }) => [name, type, meaning].join(' '));
    const offered = [...families.values()].map(({ name, type, help }) =>
      [name, type, help].join(' '),
    );
    expect(listed.sort()).toEqual(offered.sort());
    for (const { name, labels } of rows) {
      for (const label of families.get(name)?.labels ?? []) expect(labels, name).toContain(label);
    }
  });

  test('counts the events of schedules by type, and shows what is next', async () => {
    const { schedules } = fixture.core;
    const body = { user_id: 'SECRETUSER', text: 'x', channel: 'http', thread: null };
    const timing = { rule: { cron: '0 9 * * *' }, start: null, end: null, count: null };
    const { schedule_id: id } = await schedules.api.create(
      { ...body, ...timing, kind: 'reminder', zone: 'Asia/Seoul' },
      'http',
    );
    await schedules.api.run({ id, userId: null });
    const families = await scrape();
    const events = (type: string) =>
      valueOf(families, 'gatehouse_schedule_events_total', { kind: 'reminder', type });
    expect([events('created'), events('fired')]).toEqual([1, 1]);
    expect(valueOf(families, 'gatehouse_schedules', { state: 'active' })).toBe(1);
    expect(valueOf(families, 'gatehouse_schedules_due', {})).toBe(0);
    expect(valueOf(families, 'gatehouse_schedule_next_seconds', {})).toBeGreaterThan(0);
  });

  test('follows the naming rules of Prometheus', async () => {
    for (const { name, type, help } of (await scrape()).values()) {
      expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
      expect(help, name).not.toBe('');
      expect(name.endsWith('_total'), name).toBe(type === 'counter');
      expect(name).not.toMatch(/_(?:count|sum|bucket|info_total)$/);
      expect(name).not.toMatch(/(?:^|_)(?:counter|gauge|histogram|summary)(?:_|$)/);
      // Base units only: seconds and bytes.
      expect(name).not.toMatch(
        /_(?:ms|milliseconds|minutes|hours|kb|kilobytes|megabytes|mb)(?:_|$)/,
      );
    }
  });

  test('contains no user name and no text of a request', async () => {
    await live();
    const page = await (await fetch(`${fixture.core.url}/metrics`)).text();
    expect(page).not.toContain('SECRET');
  });
});

test('the metrics count jobs, model requests, tool calls, commits and HTTP requests', async () => {
  await live();
  await until(async () => valueOf(await scrape(), 'gatehouse_job_seconds_count') > 0);
  const families = await scrape();
  const value = (name: string, labels?: Record<string, string>): number =>
    valueOf(families, name, labels);
  expect(value('gatehouse_jobs_accepted_total')).toBe(3);
  expect(value('gatehouse_jobs_ended_total', { outcome: 'answered' })).toBe(3);
  expect(value('gatehouse_job_seconds_count', { outcome: 'answered' })).toBe(3);
  expect(value('gatehouse_job_first_token_seconds_count')).toBeGreaterThanOrEqual(2);
  expect(value('gatehouse_job_state_seconds_count', { state: 'ack' })).toBe(3);
  expect(value('gatehouse_job_state_seconds_count', { state: 'fallback' })).toBe(1);
  expect(value('gatehouse_job_decisions_total', { by: 'rule', action: 'tools' })).toBe(1);
  expect(value('gatehouse_job_errors_total', { code: 'GH_BACKEND_UNAVAILABLE' })).toBe(1);
  expect(value('gatehouse_effect_seconds_count', { effect: 'reason', result: 'failed' })).toBe(1);
  expect(
    value('gatehouse_tool_calls_total', { tool: 'calendar', operation: 'today', result: 'ok' }),
  ).toBe(1);
  const failed = { backend: 'large', kind: 'reason', result: 'http_5xx' };
  expect(value('gatehouse_model_requests_total', failed)).toBe(1);
  expect(value('gatehouse_commit_seconds_count')).toBeGreaterThan(3);
  expect(value('gatehouse_database_bytes')).toBeGreaterThan(0);
  expect(value('process_resident_memory_bytes')).toBeGreaterThan(0);
  const posts = { method: 'POST', route: '/chat', status: '202' };
  expect(value('gatehouse_http_requests_total', posts)).toBe(3);
  const lost = { method: 'GET', route: 'none', status: '404' };
  expect(value('gatehouse_http_requests_total', lost)).toBe(1);
  const stream = { method: 'GET', route: '/chat/:id/stream' };
  expect(value('gatehouse_http_requests_total', { ...stream, status: '200' })).toBe(3);
  expect(value('gatehouse_http_request_seconds_count', stream)).toBe(0);
});

test('a client that disconnects before its answer counts as 499, and request times have a bucket of 600 s', async () => {
  fixture.large.script(stalls());
  const leaving = new AbortController();
  const asked = fetch(`${fixture.core.url}/ask`, {
    method: 'POST',
    body: JSON.stringify({ query: 'why?', backend: 'large' }),
    signal: leaving.signal,
  }).catch(() => 'gone');
  await fixture.large.arrived(1);
  leaving.abort();
  expect(await asked).toBe('gone');
  const asks = { method: 'POST', route: '/ask' };
  const left = { ...asks, status: '499' };
  await until(async () => valueOf(await scrape(), 'gatehouse_http_requests_total', left) === 1);
  const families = await scrape();
  const value = (name: string, labels: Record<string, string>): number =>
    valueOf(families, name, labels);
  expect(value('gatehouse_http_requests_total', { ...asks, status: '200' })).toBe(0);
  expect(value('gatehouse_http_request_seconds_count', asks)).toBe(0);
  const page = await (await fetch(`${fixture.core.url}/metrics`)).text();
  expect(page).toMatch(/gatehouse_http_request_seconds_bucket\{le="600",/);
});

interface Dashboard {
  templating: { list: { name: string; type: string }[] };
  panels: {
    type: string;
    title: string;
    datasource?: { uid: string };
    targets?: { expr: string; datasource: { uid: string } }[];
  }[];
}

describe('the monitoring files in deploy', () => {
  test('the Grafana dashboard uses only existing metrics, from the selected data source', async () => {
    const families = await scrape();
    const dashboard = JSON.parse(read('deploy/grafana/gatehouse.json')) as Dashboard;
    expect(dashboard.templating.list).toContainEqual(
      expect.objectContaining({ name: 'datasource', type: 'datasource' }),
    );
    const panels = dashboard.panels.filter(({ type }) => type !== 'row');
    expect(panels.length).toBeGreaterThan(20);
    for (const { title, targets = [], datasource } of panels) {
      expect(targets, title).not.toHaveLength(0);
      expect(datasource?.uid, title).toBe('${datasource}');
      for (const { expr } of targets) {
        const names = namesIn(expr);
        expect(names, title).not.toHaveLength(0);
        for (const name of names) expect(familyName(families, name), name).not.toBeNull();
      }
    }
  });

  test('the Prometheus alerts use only existing metrics, and have a summary and a description', async () => {
    const families = await scrape();
    const { groups } = parse(read('deploy/prometheus/gatehouse.rules.yaml')) as {
      groups: { rules: { alert: string; expr: string; annotations: Record<string, string> }[] }[];
    };
    const rules = groups.flatMap((group) => group.rules);
    expect(rules.length).toBeGreaterThan(10);
    for (const { alert, expr, annotations } of rules) {
      for (const name of namesIn(expr)) expect(familyName(families, name), alert).not.toBeNull();
      expect(Object.keys(annotations), alert).toEqual(['summary', 'description']);
    }
  });
});
