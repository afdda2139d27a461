/** Addresses of model servers: two different spellings may be the same server, which has one gate. */
import { expect, test } from 'vitest';
import { isSameServer } from '#models/backend-config';

test.each([
  'http://127.0.0.1:8080/v1/',
  'http://127.0.0.1:8080',
  'http://localhost:8080/v1',
  'HTTP://LocalHost.:8080/v1',
  'http://model.localhost:8080/v1',
  'http://127.1.2.3:8080/v1',
  'http://0.0.0.0:8080/v1',
  'http://[::1]:8080/v1',
  'http://[0:0:0:0:0:0:0:1]:8080/v1',
  'http://[::ffff:127.0.0.1]:8080/v1',
  'http://user:secret@127.0.0.1:8080/v1?x=1',
])('%s is recognized as the server at http://127.0.0.1:8080/v1', (other) => {
  expect(isSameServer('http://127.0.0.1:8080/v1', other)).toBe(true);
  expect(isSameServer(other, 'http://127.0.0.1:8080/v1')).toBe(true);
});

test.each([
  'http://127.0.0.1:8081/v1',
  'https://127.0.0.1:8080/v1',
  'http://127.0.0.1:8080/embed/v1',
  'http://192.0.2.1:8080/v1',
  'http://localhost.example:8080/v1',
  'http://127.0.0.1.example:8080/v1',
  'http://[2001:db8::1]:8080/v1',
])('%s is recognized as another server than http://127.0.0.1:8080/v1', (other) => {
  expect(isSameServer('http://127.0.0.1:8080/v1', other)).toBe(false);
});

test('a host name is compared without case, and a missing port is the default port', () => {
  expect(isSameServer('http://Mac.example/v1', 'http://mac.example:80')).toBe(true);
});
