/** Encrypted connections to a MySQL with a certificate of a private CA, in each ssl-mode, and refused ones. */
import { spawnSync } from 'node:child_process';
import { QueryTypes } from 'sequelize';
import { startPrivateMysql } from '../../../services/private-mysql.js';
import type { PrivateServer } from '../../../services/private-server.js';
import { openPool } from '../../../src/database/pool.js';
import {
  makeCertificates,
  type CertificateFiles,
  type Certificates,
} from '../../support/certificates.js';

let certificates: Certificates;
let mysql: PrivateServer;

beforeAll(async () => {
  certificates = await makeCertificates();
  const { ca, server } = certificates;
  mysql = await startPrivateMysql({
    args: [`--ssl-ca=${ca}`, `--ssl-cert=${server.cert}`, `--ssl-key=${server.key}`],
  });
  await asRoot(
    `CREATE USER plain@'%' IDENTIFIED WITH caching_sha2_password BY 'one two'`,
    `CREATE USER secure@'%' IDENTIFIED WITH caching_sha2_password BY 'one two' REQUIRE SSL`,
    `CREATE USER known@'%' IDENTIFIED WITH caching_sha2_password BY 'one two' REQUIRE X509`,
    `GRANT ALL ON stockade.* TO plain@'%', secure@'%', known@'%'`,
  );
});

afterAll(async () => {
  await mysql.stop();
  certificates.remove();
});

async function asRoot(...statements: readonly string[]): Promise<void> {
  const pool = openPool({ url: mysql.url }, 1);
  for (const sql of statements) await pool.query(sql);
  await pool.close();
}

function urlOf(parameters: string, { user = 'plain', host = '127.0.0.1' } = {}): string {
  return `mysql://${user}:one%20two@${host}:${mysql.port}/stockade?${parameters}`;
}

/** The cipher of the session; empty where it is not encrypted. */
async function cipherOf(url: string): Promise<string> {
  const pool = openPool({ url }, 1);
  try {
    const [row] = await pool.query<{ Value: string }>("SHOW SESSION STATUS LIKE 'Ssl_cipher'", {
      type: QueryTypes.SELECT,
    });
    return row?.Value ?? 'nothing';
  } finally {
    await pool.close();
  }
}

/** What the operator reads where a command cannot start. */
function refusalOf(url: string): string {
  const { status, stdout, stderr } = spawnSync(
    'node',
    ['dist/src/cli/stockade.js', 'keys', 'list'],
    {
      env: { PATH: process.env.PATH, MYSQL_URL: url },
      encoding: 'utf8',
    },
  );
  expect([status, stdout]).toEqual([1, '']);
  expect(stderr).not.toMatch(/ {4}at |one.two/);
  return stderr;
}

/** Makes the server use another certificate. */
const present = ({ cert, key }: CertificateFiles) =>
  asRoot(
    `SET GLOBAL ssl_cert = '${cert}'`,
    `SET GLOBAL ssl_key = '${key}'`,
    'ALTER INSTANCE RELOAD TLS',
  );

/** Forgets the passwords that caching_sha2_password has seen, so that the next log-in needs the password itself. */
const forgetPasswords = () => asRoot('FLUSH PRIVILEGES');

test.each([
  ['PREFERRED', ''],
  ['PREFERRED', 'ssl-mode=PREFERRED'],
  ['REQUIRED', 'sslmode=require'],
  ['REQUIRED', 'ssl={"rejectUnauthorized":false}'],
])('%s encrypts and asks for no CA: %s', async (_, parameters) => {
  await forgetPasswords();
  expect(await cipherOf(urlOf(parameters))).not.toBe('');
});

test('DISABLED does not encrypt; the password goes under the server’s public key', async () => {
  await forgetPasswords();
  expect(await cipherOf(urlOf('ssl-mode=DISABLED'))).toBe('');
});

test.each(['ssl-ca=', 'ssl-mode=VERIFY_CA&ssl-ca=', 'ssl=true&sslrootcert='])(
  'a certificate of the given CA is accepted, by whatever address: %s',
  async (parameters) => {
    expect(await cipherOf(urlOf(parameters + certificates.ca))).not.toBe('');
  },
);

test('VERIFY_IDENTITY accepts the host that the certificate names', async () => {
  const url = urlOf(`ssl-mode=VERIFY_IDENTITY&ssl-ca=${certificates.ca}`, { host: 'localhost' });
  expect(await cipherOf(url)).not.toBe('');
});

test('VERIFY_IDENTITY refuses a certificate of another host, and an address that has no name', async () => {
  const given = `ssl-mode=VERIFY_IDENTITY&ssl-ca=${certificates.ca}`;
  expect(refusalOf(urlOf(given))).toContain('MYSQL_URL must name each host, not its IP address');
  await present(certificates.misnamedServer);
  try {
    expect(await cipherOf(urlOf(`ssl-mode=VERIFY_CA&ssl-ca=${certificates.ca}`))).not.toBe('');
    expect(refusalOf(urlOf(given, { host: 'localhost' }))).toContain(
      "Host: localhost. is not in the cert's altnames",
    );
  } finally {
    await present(certificates.server);
  }
});

test('a certificate of another CA is refused, in each mode that verifies', () => {
  for (const mode of ['VERIFY_CA', 'VERIFY_IDENTITY']) {
    const given = `ssl-mode=${mode}&ssl-ca=${certificates.foreignCa}`;
    expect(refusalOf(urlOf(given, { host: 'localhost' }))).toMatch(
      /^The certificate of MySQL, or the TLS connection, is refused: .*certificate.*Set ssl-ca in MYSQL_URL/,
    );
  }
  expect(refusalOf(urlOf('ssl=true'))).toMatch(/^The certificate of MySQL/);
});

test('a file that is missing, or that is no certificate, is one sentence', () => {
  expect(refusalOf(urlOf('ssl-ca=/nowhere/ca.pem'))).toContain(
    'MYSQL_URL names the file "/nowhere/ca.pem" by ssl-ca, which cannot be read (ENOENT)',
  );
  expect(refusalOf(urlOf('ssl-ca=package.json'))).toContain('is not in the PEM format');
});

test('a user with REQUIRE SSL is served over TLS, and otherwise told of it', async () => {
  const user = 'secure';
  await forgetPasswords();
  expect(await cipherOf(urlOf('', { user }))).not.toBe('');
  expect(refusalOf(urlOf('ssl-mode=DISABLED', { user }))).toBe(
    'MySQL refuses the user or the password in MYSQL_URL. ' +
      'The connection was not encrypted; a user with REQUIRE SSL needs ssl-mode=REQUIRED.\n',
  );
});

test('a user with REQUIRE X509 shows its own certificate', async () => {
  const { cert, key } = certificates.client;
  const own = `ssl-cert=${cert}&ssl-key=${key}`;
  expect(await cipherOf(urlOf(own, { user: 'known' }))).not.toBe('');
});

test('a server that takes encrypted connections only is reached, and otherwise says so', async () => {
  await asRoot('SET GLOBAL require_secure_transport = ON');
  try {
    expect(await cipherOf(urlOf(''))).not.toBe('');
    expect(refusalOf(urlOf('ssl-mode=DISABLED'))).toBe(
      'MySQL takes encrypted connections only (require_secure_transport). ' +
        'Set ssl-mode=REQUIRED in MYSQL_URL.\n',
    );
  } finally {
    await asRoot('SET GLOBAL require_secure_transport = OFF');
  }
});

test('where the server offers no TLS, PREFERRED does without it and REQUIRED refuses', async () => {
  const bare = await startPrivateMysql({ args: ['--tls-version='] });
  try {
    const url = `mysql://root@127.0.0.1:${bare.port}/stockade`;
    expect(await cipherOf(url)).toBe('');
    expect(refusalOf(`${url}?ssl-mode=REQUIRED`)).toBe(
      'MySQL offers no TLS, and the ssl-mode in MYSQL_URL demands it.\n',
    );
  } finally {
    await bare.stop();
  }
});
