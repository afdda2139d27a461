/** The address of a PostgreSQL database, in the forms that libpq, providers and people write. */
import { describe, expect, test } from 'vitest';
import { parsePostgresAddress } from '#storage/postgres/postgres-address';

const read = (address: string) => {
  const { user, password, hosts, database, tls } = parsePostgresAddress(address);
  return [user, password, hosts.map(({ host, port }) => `${host} ${port}`).join(), database, tls];
};

describe('the address of a PostgreSQL database', () => {
  test.each([
    ['postgres://ann@db/gh', ['ann', null, 'db 5432', 'gh', 'off']],
    ['postgresql://ann:pw@db:6000/gh', ['ann', 'pw', 'db 6000', 'gh', 'off']],
    ['POSTGRES://ann@db/gh', ['ann', null, 'db 5432', 'gh', 'off']],
    ['postgres://ann@db', ['ann', null, 'db 5432', 'ann', 'off']],
    ['postgres://ann@/gh', ['ann', null, 'localhost 5432', 'gh', 'off']],
    ['postgres://ann@db1:1,db2:2,db3/gh', ['ann', null, 'db1 1,db2 2,db3 5432', 'gh', 'off']],
    ['postgres://ann@[::1]:6000,[fe80::2]/gh', ['ann', null, '::1 6000,fe80::2 5432', 'gh', 'off']],
    ['postgres:///gh?user=ann&host=/run/pg&port=7', ['ann', null, '/run/pg 7', 'gh', 'off']],
    ['postgres://ann@%2Frun%2Fpg/gh', ['ann', null, '/run/pg 5432', 'gh', 'off']],
    ['postgres://a%40b:p%2Fw%3A%40@db/gh', ['a@b', 'p/w:@', 'db 5432', 'gh', 'off']],
    ['postgres://ann:p@ss/w#o?r%d@db/gh', ['ann', 'p@ss/w#o?r%d', 'db 5432', 'gh', 'off']],
    ['postgres://ann:100%@db/gh', ['ann', '100%', 'db 5432', 'gh', 'off']],
    ['postgres://ann:a:b@db/gh', ['ann', 'a:b', 'db 5432', 'gh', 'off']],
    ['postgres://ann:@db/gh', ['ann', '', 'db 5432', 'gh', 'off']],
    ['postgres://ann@db/gh?application_name=a@b', ['ann', null, 'db 5432', 'gh', 'off']],
    ['postgres://ann@db/gh?sslmode=require', ['ann', null, 'db 5432', 'gh', 'verified']],
    ['postgres://ann@db/gh?sslmode=verify-full', ['ann', null, 'db 5432', 'gh', 'verified']],
    ['postgres://ann@db/gh?sslmode=disable', ['ann', null, 'db 5432', 'gh', 'off']],
    ['postgres://ann@db/gh?target_session_attrs=primary', ['ann', null, 'db 5432', 'gh', 'off']],
    // As providers print them.
    [
      'postgresql://u:p@ep-x-pooler.eu.aws.neon.tech/db?sslmode=require&channel_binding=require',
      ['u', 'p', 'ep-x-pooler.eu.aws.neon.tech 5432', 'db', 'verified'],
    ],
    [
      'postgres://postgres.ref:p@aws-0.pooler.supabase.com:5432/postgres',
      ['postgres.ref', 'p', 'aws-0.pooler.supabase.com 5432', 'postgres', 'off'],
    ],
    ['postgres://ann@db/gh?ssl=true', ['ann', null, 'db 5432', 'gh', 'verified']],
    ['postgres://ann@db/gh?gssencmode=disable', ['ann', null, 'db 5432', 'gh', 'off']],
    ['postgres://ann@db/gh?connect_timeout=0', ['ann', null, 'db 5432', 'gh', 'off']],
    ['  postgres://ann@db/%EB%AC%B8\n', ['ann', null, 'db 5432', '문', 'off']],
  ])('%s is read', (address, expected) => {
    expect(read(address)).toEqual(expected);
  });

  test('has client certificates, channel binding and options of the session', () => {
    const parsed = parsePostgresAddress(
      'postgres://ann@db/gh?sslmode=verify-full&sslrootcert=system&sslcert=/c.pem&sslkey=/k.pem' +
        '&sslnegotiation=direct&channel_binding=prefer&options=-c%20search_path%3Dgh',
    );
    expect(parsed).toMatchObject({
      caFile: null,
      clientCertificate: { certFile: '/c.pem', keyFile: '/k.pem' },
      isDirectTls: true,
      bindsChannel: true,
      options: '-c search_path=gh',
    });
    expect(parsePostgresAddress('postgres://ann@db/gh?channel_binding=prefer').bindsChannel).toBe(
      false,
    );
  });

  test.each([
    'mysql://ann:hunter2@db/gh',
    'ann:hunter2@db/gh',
    'postgres://:hunter2@db/gh',
    'postgres://ann:hunter2@db:port/gh',
    'postgres://ann:hunter2@db:0/gh',
    'postgres://ann:hunter2@db:70000/gh',
    'postgres://ann:hunter2@db/gh?sslmode=prefer',
    'postgres://ann:hunter2@db/gh?sslmode=maybe',
    'postgres://ann:hunter2@db/gh?pool_mode=transaction',
    'postgres://ann:hunter2@db/gh?connect_timeout=soon',
    'postgres://ann:hunter2@db/gh?target_session_attrs=standby',
    'postgres://ann:hunter2@db/gh?channel_binding=require',
    'postgres://ann:hunter2@db/gh?sslcert=/c.pem',
    'postgres://ann:hunter2@db/gh/more',
  ])('%s is refused without a word of the password', (address) => {
    const refusal = expect(() => parsePostgresAddress(address));
    refusal.toThrow(expect.objectContaining({ code: 'GH_CONFIG_INVALID' }));
    refusal.not.toThrow(/hunter2/);
  });
});
