/** The certificates that tests of TLS use, as Node's own TLS takes them. */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type TLSSocket } from 'node:tls';
import {
  makeCertificates,
  type CertificateFiles,
  type Certificates,
} from '../../support/certificates.js';

let certificates: Certificates;

beforeAll(async () => {
  certificates = await makeCertificates();
});

afterAll(() => {
  certificates.remove();
});

const read = ({ cert, key }: CertificateFiles) => ({
  cert: readFileSync(cert),
  key: readFileSync(key),
});

/** The name of the client that the server sees; rejects with the reason for which either side refuses the other. */
async function meet(
  offered: CertificateFiles,
  client: { readonly ca: string; readonly host?: string; readonly own?: CertificateFiles },
): Promise<string> {
  const ca = readFileSync(certificates.ca);
  const server = createServer({ ...read(offered), ca, requestCert: true });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const seen = once(server, 'secureConnection') as Promise<[TLSSocket]>;
  const socket = connect({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    ...(client.host === undefined ? {} : { servername: client.host }),
    ca: readFileSync(client.ca),
    ...read(client.own ?? certificates.client),
  });
  try {
    await once(socket, 'secureConnect');
    const [peer] = await seen;
    const name = peer.authorized ? String(peer.getPeerCertificate().subject.CN) : 'not trusted';
    peer.destroy();
    return name;
  } finally {
    socket.destroy();
    server.close();
  }
}

test('a client that trusts the CA and the server that it signed trust each other', async () => {
  expect(await meet(certificates.server, { ca: certificates.ca })).toBe('stockade');
  expect(await meet(certificates.server, { ca: certificates.ca, host: 'localhost' })).toBe(
    'stockade',
  );
});

test('a client that trusts another CA alone refuses the server', async () => {
  await expect(meet(certificates.server, { ca: certificates.foreignCa })).rejects.toThrow(
    /unable to verify|self.signed/,
  );
});

test('a client refuses the server whose certificate has another name', async () => {
  await expect(meet(certificates.misnamedServer, { ca: certificates.ca })).rejects.toMatchObject({
    code: 'ERR_TLS_CERT_ALTNAME_INVALID',
  });
});
