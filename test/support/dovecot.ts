/** A private Dovecot (IMAP) on a free loopback port, with one user and maildir folders. */
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import { startChild } from './child-server.ts';
import { findProgram, prepareProgram } from './debian-package.ts';
import { freePort } from './free-port.ts';

/** Installs Dovecot if that is allowed. Returns why it is missing, or null. */
export const prepareDovecot = (): string | null =>
  prepareProgram('dovecot', ['dovecot-core', 'dovecot-imapd']);

/** Why tests with Dovecot must be skipped, or null. */
export const dovecotMissing = (): string | null =>
  findProgram('dovecot') === null
    ? 'dovecot is not installed (Debian package dovecot-imapd)'
    : null;

export interface Dovecot {
  port: number;
  username: string;
  password: string;
  /** Puts a message into a folder. `at`: the time of its arrival. */
  deliver(folder: string, source: Buffer, at: Date): void;
  /** The flags of the messages of a folder, from their file names; `''` for an unseen one. */
  flags(folder: string): string[];
  stop(): Promise<void>;
}

/** Starts a Dovecot. @throws Error if it is not installed or does not start */
export async function startDovecot(folders: readonly string[]): Promise<Dovecot> {
  // A short path, not the usual temporary folder: the path of a socket may have 108 characters.
  const folder = mkdtempSync('/tmp/gh-dovecot-');
  chmodSync(folder, 0o755);
  const port = await freePort();
  const [username, password] = ['minji', 'right-password'];
  const mail = join(folder, 'mail');
  const owner = mailOwner();
  mkdirSync(mail);
  for (const name of folders) makeMaildir(maildirOf(mail, name));
  giveTo(mail, owner);
  writeFileSync(join(folder, 'dovecot.conf'), configOf(folder, mail, port, owner.name, password));
  const program = findProgram('dovecot') ?? 'dovecot';
  const child = await startChild(program, ['-F', '-c', join(folder, 'dovecot.conf')], () =>
    greets(port),
  );
  let count = 0;
  return {
    port,
    username,
    password,
    deliver(name, source, at) {
      count += 1;
      const path = join(maildirOf(mail, name), 'cur', `${count}.test:2,`);
      writeFileSync(path, source);
      utimesSync(path, at, at);
      chownSync(path, owner.uid, owner.gid);
    },
    flags: (name) =>
      ['cur', 'new'].flatMap((part) =>
        readdirSync(join(maildirOf(mail, name), part)).map((file) => file.split(':2,')[1] ?? ''),
      ),
    async stop() {
      await child.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Owner {
  name: string;
  uid: number;
  gid: number;
}

/** Dovecot gives no mail to root; if the tests run as root, the mail belongs to another user. */
function mailOwner(): Owner {
  const { username: name, uid, gid } = userInfo();
  if (uid !== 0) return { name, uid, gid };
  const id = (option: string): number =>
    Number(execFileSync('id', [option, 'nobody'], { timeout: 20_000 }).toString());
  return { name: 'nobody', uid: id('-u'), gid: id('-g') };
}

/** Maildir++: subfolders begin with a dot; names are UTF-8 (`UTF-8` in mail_location). */
const maildirOf = (mail: string, name: string): string =>
  name === 'INBOX' ? mail : join(mail, `.${name}`);

function makeMaildir(path: string): void {
  for (const part of ['cur', 'new', 'tmp']) mkdirSync(join(path, part), { recursive: true });
}

function giveTo(path: string, owner: Owner): void {
  chownSync(path, owner.uid, owner.gid);
  for (const entry of readdirSync(path, { withFileTypes: true, recursive: true })) {
    chownSync(join(entry.parentPath, entry.name), owner.uid, owner.gid);
  }
}

const configOf = (
  folder: string,
  mail: string,
  port: number,
  owner: string,
  password: string,
): string => `base_dir = ${folder}/run
log_path = ${folder}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
auth_failure_delay = 0
default_internal_user = ${owner}
default_login_user = ${owner}
default_internal_group = ${owner === 'nobody' ? 'nogroup' : owner}
first_valid_uid = 1
mail_location = maildir:${mail}:UTF-8
mail_uid = ${owner}
mail_gid = ${owner === 'nobody' ? 'nogroup' : owner}
passdb {
  driver = static
  args = password=${password}
}
userdb {
  driver = static
  args = home=${mail}
}
namespace inbox {
  inbox = yes
  separator = /
  mailbox Sent {
    special_use = \\Sent
  }
}
service imap-login {
  chroot =
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = 0
  }
}
service anvil {
  chroot =
}
service stats {
  chroot =
}
`;

/** Whether an IMAP server sends its greeting at the port. */
function greets(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect(port, '127.0.0.1');
  socket.setTimeout(2000, () => socket.destroy());
  socket.once('data', (data) => {
    resolve(data.toString().startsWith('* OK'));
    socket.destroy();
  });
  socket.once('error', () => resolve(false));
  socket.once('close', () => resolve(false));
  return promise;
}
