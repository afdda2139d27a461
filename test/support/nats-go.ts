/** Go and its NATS client from Debian's packages, for the example in Go. */
import { existsSync } from 'node:fs';
import { findProgram, preparePackages } from './debian-package.ts';

/** The folder of the sources of Go libraries in Debian. */
export const debianGoPath = '/usr/share/gocode';

export const hasNatsGo = (): boolean =>
  findProgram('go') !== null && existsSync(`${debianGoPath}/src/github.com/nats-io/nats.go`);

/** Returns why it is missing, or null. */
export const prepareNatsGo = (): string | null =>
  preparePackages('nats.go', hasNatsGo, ['golang-go', 'golang-github-nats-io-go-nats-dev']);
