import { describe, expect, test } from 'vitest';
import { parseConfig } from '#app/config/load-config';

const base = {
  database: 'database: postgres://ann@db/gh',
  nats: 'nats: {url: "nats://one:4222,two:4222,three:4222"}',
  backends: 'backends: [{id: big, baseUrl: "http://big:8800/v1", model: m}]',
};
const env = { POD_NAME: 'gatehouse-2', REPLICAS: '1', EMPTY: '' };
const read = (cluster: string, parts: Partial<typeof base> = {}) =>
  parseConfig([cluster, ...Object.values({ ...base, ...parts })].join('\n'), 'gatehouse.yaml', env);
const refusalOf = (cluster: string, parts: Partial<typeof base> = {}): string => {
  try {
    read(cluster, parts);
  } catch (error) {
    expect(error).toMatchObject({ code: 'GH_CONFIG_INVALID' });
    return String(error);
  }
  throw new Error(`accepted: ${cluster}`);
};
const defaults = {
  partitions: 64,
  beatMs: 1_000,
  goneAfterMs: 5_000,
  handOverMax: 8,
  replicas: 3,
  natsMonitors: [],
};

describe('the key `cluster`', () => {
  test('is off by default, and without it nothing else is asked of the file', () => {
    expect(parseConfig('', 'gatehouse.yaml', env).cluster).toBeNull();
    expect(parseConfig('cluster: null', 'gatehouse.yaml', env).cluster).toBeNull();
    expect(parseConfig('cluster:', 'gatehouse.yaml', env).cluster).toBeNull();
  });

  test.each([
    ['cluster: {}', defaults],
    ['cluster: {workerId: "${POD_NAME}"}', { ...defaults, workerId: 'gatehouse-2' }],
    ['cluster: {replicas: "${REPLICAS}"}', { ...defaults, replicas: 1 }],
    ['cluster: {beatMs: 200, goneAfterMs: 600}', { ...defaults, beatMs: 200, goneAfterMs: 600 }],
  ])('reads %s', (yaml, expected) => {
    expect(read(yaml).cluster).toEqual(expected);
  });

  test.each([
    ['cluster: {workerId: host.example.com}', 'cluster.workerId: must match [A-Za-z0-9_-]{1,64}'],
    ['cluster: {workerId: "${EMPTY}"}', 'cluster.workerId: must match'],
    ['cluster: {workerId: 7}', 'cluster.workerId: expected string'],
    ['cluster: {replicas: 2}', 'cluster.replicas: expected one of 1|3|5, found 2'],
    ['cluster: {partitions: 0}', 'cluster.partitions: Too small'],
    ['cluster: {beatMs: 2000, goneAfterMs: 5999}', 'cluster.goneAfterMs: must be 3 times beatMs'],
    ['cluster: {beatMs: 1}', 'cluster.beatMs: Too small: expected number to be >=100'],
    ['cluster: {workers: 3}', 'cluster.workers: there is no such key'],
    ['cluster: true', 'cluster: expected object'],
    ['cluster: []', 'cluster: expected object'],
  ])('refuses %s', (yaml, expected) => {
    expect(refusalOf(yaml)).toContain(expected);
  });

  test.each([
    [
      { database: 'database: ./gatehouse.db' },
      'database: expected postgres://USER@host/database, because of cluster: only one process writes a SQLite file, found text (line 2)',
    ],
    [{ database: '' }, 'database: expected postgres://USER@host/database, because of cluster'],
    [{ nats: 'nats: {mode: off}' }, 'nats.mode: expected external, with nats.url, because of'],
    [
      { nats: 'nats: {mode: child, url: "nats://one:4222"}' },
      'a nats-server of one worker ends with it, found "child" (line 3)',
    ],
    [{ nats: '' }, 'nats.url: expected nats://host:4222, because of cluster: all workers use'],
    [{ nats: 'nats: {mode: external}' }, 'nats.url: expected nats://host:4222'],
    [{ backends: '' }, 'backends: expected the model servers, because of cluster: servers that'],
    [{ backends: 'backends: []' }, 'the practice model, are of one machine'],
  ])('refuses with it %j', (parts, expected) => {
    expect(refusalOf('cluster: {}', parts)).toContain(expected);
    expect(read('cluster: null', parts).cluster).toBeNull();
  });

  test('names all other keys that do not fit in one line', () => {
    const refusal = refusalOf('cluster: {}', { database: '', nats: '', backends: '' });
    expect(refusal).not.toContain('\n');
    expect(refusal).toMatch(/database: .*; nats\.url: .*; backends: /);
  });

  test('never quotes the address of the database or of NATS', () => {
    const refusal = refusalOf('cluster: {}', {
      database: 'database: postgres://ann:hunter2@db/gh',
      nats: 'nats: {mode: child, url: "nats://ann:hunter2@one:4222"}',
    });
    expect(refusal).not.toContain('hunter2');
  });
});
