import { describe, expect, test } from 'vitest';
import { dataFolderOf } from '#app/config/database-settings';
import { parseConfig } from '#app/config/load-config';

const env = { DB: 'postgres://ann:hun ter2@db/gatehouse', PASSWORD: 'hunter2', SIZE: '4' };
const read = (yaml: string) => parseConfig(yaml, 'gatehouse.yaml', env);
const refusalOf = (yaml: string): string => {
  try {
    read(yaml);
  } catch (error) {
    expect(error).toMatchObject({ code: 'GH_CONFIG_INVALID' });
    return String(error);
  }
  throw new Error(`accepted: ${yaml}`);
};

describe('the key `database`', () => {
  test.each([
    ['./a.db', './a.db'],
    ['postgres.db', 'postgres.db'],
    ['postgres://ann@db/gh', { url: 'postgres://ann@db/gh', poolSize: 8 }],
    [
      'PostgreSQL://ann:p%40ss@one,two:5433/gh',
      { url: 'PostgreSQL://ann:p%40ss@one,two:5433/gh', poolSize: 8 },
    ],
    ['${DB}', { url: env.DB, poolSize: 8 }],
    [
      '{url: "postgres://ann@db/gh", password: "${PASSWORD}", poolSize: "${SIZE}"}',
      { url: 'postgres://ann@db/gh', password: 'hunter2', poolSize: 4 },
    ],
    [
      '{url: "postgres://ann@db/gh", passwordFile: /run/secrets/db, caFile: /etc/ca.pem}',
      {
        url: 'postgres://ann@db/gh',
        passwordFile: '/run/secrets/db',
        caFile: '/etc/ca.pem',
        poolSize: 8,
      },
    ],
  ])('reads %s', (value, expected) => {
    expect(read(`database: ${value}`).database).toEqual(expected);
  });

  test.each([
    ['mysql://ann:hunter2@db/gh', 'database: must be the path of a file, not an address'],
    ['postgres://:hunter2@db/gh', 'database: has no user: postgres://USER@host/database'],
    ['postgres://ann:hunter2@db/gh?hunter2=1', 'database: has a parameter that is not supported'],
    ['postgres://ann@db:hunter2/gh', 'database: has a host or port that cannot be read'],
    ['postgres:ann:hunter2@db/gh', 'database: must have the form postgres://'],
    ['postgres://ann:x@db/gh?sslmode=hunter2', 'database: has another sslmode; use disable'],
    ['{url: "./hunter2.db"}', 'database.url: must have the form postgres://'],
    ['{url: "postgres://ann@db/gh", poolSize: 1}', 'database.poolSize: '],
    ['{passwordFile: /run/secrets/db}', 'database.url: expected string, received undefined'],
    [
      '{url: "postgres://ann:hunter2@db/gh", passwordFile: /run/secrets/db}',
      'database.url: has its password twice: keep one of them',
    ],
    [
      '{url: "postgres://ann@db/gh", password: hunter2, passwordFile: /run/secrets/db}',
      'database.url: has its password twice: keep one of them',
    ],
    [
      '{url: "postgres://ann@db/gh?sslmode=disable", caFile: ca.pem}',
      'database.url: has sslmode=disable, although caFile or fingerprint256 is set',
    ],
    ['{url: "postgres://ann@db/gh", passwort: hunter2}', 'database.passwort: there is no such key'],
    ['{path: ./a.db}', 'database.path: there is no such key'],
    ['[./a.db]', 'database: expected string or object, found a list'],
    ['5432', 'database: expected string or object'],
  ])('refuses %s without a word of the password', (value, expected) => {
    const refusal = refusalOf(`database: ${value}`);
    expect(refusal).toContain(expected);
    expect(refusal).not.toContain('hunter2');
  });
});

describe('the folder of the data', () => {
  test.each([
    ['database: /srv/a/gatehouse.db', '/srv/a'],
    ['database: postgres://ann@db/gh', 'data'],
    ['{database: postgres://ann@db/gh, dataFolder: /srv/b/}', '/srv/b/'],
    ['{database: /srv/a/gatehouse.db, dataFolder: /srv/b}', '/srv/b'],
  ])('of %s is %s', (yaml, expected) => {
    expect(dataFolderOf(read(yaml))).toBe(expected);
  });
});
