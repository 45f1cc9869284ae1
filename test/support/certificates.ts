/**
 * Certificates for tests of TLS: a private certificate authority (CA), and certificates that it has signed for servers
 * on the loopback and for a client. They are made anew each time, so none of them expires in the repository.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generate, type CertificateExtension } from 'selfsigned';

export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

/** Paths of PEM files. */
export interface Certificates {
  readonly folder: string;
  readonly ca: string;
  /** A CA that has signed none of these certificates. */
  readonly foreignCa: string;
  /** For `127.0.0.1`, `::1` and `localhost`. */
  readonly server: CertificateFiles;
  /** Of the same CA, for `elsewhere.example` alone. */
  readonly misnamedServer: CertificateFiles;
  readonly client: CertificateFiles;
  remove(): void;
}

interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

const LOOPBACK: CertificateExtension = {
  name: 'subjectAltName',
  altNames: [
    { type: 2, value: 'localhost' },
    { type: 7, ip: '127.0.0.1' },
    { type: 7, ip: '::1' },
  ],
};
const ELSEWHERE: CertificateExtension = {
  name: 'subjectAltName',
  altNames: [{ type: 2, value: 'elsewhere.example' }],
};

export async function makeCertificates(): Promise<Certificates> {
  const [ca, foreignCa] = await Promise.all([makeAuthority('tests'), makeAuthority('strangers')]);
  const [server, misnamedServer, client] = await Promise.all([
    // Servers of one topology are each other's clients.
    sign(ca, 'localhost', [LOOPBACK, { name: 'extKeyUsage', serverAuth: true, clientAuth: true }]),
    sign(ca, 'elsewhere.example', [ELSEWHERE, { name: 'extKeyUsage', serverAuth: true }]),
    sign(ca, 'stockade', [{ name: 'extKeyUsage', clientAuth: true }]),
  ]);
  const folder = mkdtempSync(join(tmpdir(), 'stockade-certificates-'));
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    return path;
  };
  const writePair = (name: string, { cert, key }: KeyPair): CertificateFiles => ({
    cert: write(`${name}.pem`, cert),
    key: write(`${name}-key.pem`, key),
  });
  return {
    folder,
    ca: write('ca.pem', ca.cert),
    foreignCa: write('foreign-ca.pem', foreignCa.cert),
    server: writePair('server', server),
    misnamedServer: writePair('misnamed-server', misnamedServer),
    client: writePair('client', client),
    remove: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function makeAuthority(name: string): Promise<KeyPair> {
  return issue(`CA of ${name}`, [
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
  ]);
}

function sign(
  ca: KeyPair,
  name: string,
  extensions: readonly CertificateExtension[],
): Promise<KeyPair> {
  const usage: CertificateExtension[] = [
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, keyEncipherment: true, critical: true },
  ];
  return issue(name, [...usage, ...extensions], ca);
}

async function issue(
  commonName: string,
  extensions: CertificateExtension[],
  ca?: KeyPair,
): Promise<KeyPair> {
  const made = await generate([{ name: 'commonName', value: commonName }], {
    algorithm: 'sha256',
    extensions,
    ...(ca ? { ca } : {}),
  });
  return { cert: made.cert, key: made.private };
}
