import { parseMysqlUrl, showHost, withDatabase } from '../../../src/database/mysql-address.js';

const tlsOf = (query: string) => parseMysqlUrl(`mysql://shop@db/stock${query}`).tls;
const problemOf = (url: string): string => {
  try {
    parseMysqlUrl(url);
  } catch (error) {
    return (error as Error).message;
  }
  return 'none';
};

test('several hosts are read in their order, with their ports', () => {
  const { hosts, ...address } = parseMysqlUrl(
    'mysql://shop:p%40ss%2Fw%25rd@db1:3307,10.0.0.2,[::1]:3308/stock',
  );
  expect(hosts.map(showHost)).toEqual(['db1:3307', '10.0.0.2:3306', '[::1]:3308']);
  expect(address).toEqual({
    user: 'shop',
    password: 'p@ss/w%rd',
    database: 'stock',
    tls: { mode: 'PREFERRED', ca: undefined, cert: undefined, key: undefined },
  });
});

test('an address needs no user, and mariadb:// is the same', () => {
  expect(parseMysqlUrl('mariadb://db/stock')).toMatchObject({ user: '', password: '' });
  expect(parseMysqlUrl('mysql://shop:a:b@db/stock')).toMatchObject({ password: 'a:b' });
});

test.each([
  ['', 'PREFERRED'],
  ['?ssl-ca=/ca.pem', 'VERIFY_CA'],
  ['?ssl-mode=DISABLED', 'DISABLED'],
  ['?ssl-mode=preferred', 'PREFERRED'],
  ['?ssl-mode=REQUIRED&ssl-ca=/ca.pem', 'REQUIRED'],
  ['?ssl_mode=VERIFY_CA', 'VERIFY_CA'],
  ['?sslMode=VERIFY_IDENTITY', 'VERIFY_IDENTITY'],
  ['?sslmode=disable', 'DISABLED'],
  ['?sslmode=prefer', 'PREFERRED'],
  ['?sslmode=require', 'REQUIRED'],
  ['?sslmode=verify-ca&sslrootcert=/ca.pem', 'VERIFY_CA'],
  ['?sslmode=verify-full', 'VERIFY_IDENTITY'],
  ['?ssl=true', 'VERIFY_CA'],
  ['?ssl=false', 'DISABLED'],
  ['?ssl={"rejectUnauthorized":true}', 'VERIFY_CA'],
  ['?ssl=%7B%22rejectUnauthorized%22%3Afalse%7D', 'REQUIRED'],
  ['?ssl={"verifyIdentity":true,"ca":"/ca.pem"}', 'VERIFY_IDENTITY'],
])('%s means %s', (query, mode) => {
  expect(tlsOf(query).mode).toBe(mode);
});

test('the files of TLS are read from either name', () => {
  const files = { ca: '/a b.pem', cert: '/cert.pem', key: '/key.pem' };
  expect(tlsOf('?ssl-ca=/a%20b.pem&ssl-cert=/cert.pem&ssl-key=/key.pem')).toMatchObject(files);
  expect(tlsOf('?sslrootcert=/a%20b.pem&sslcert=/cert.pem&sslkey=/key.pem')).toMatchObject(files);
});

test.each([
  [
    'mysql://shop:s3cret@db/stock?charset=utf8',
    'has the parameter charset, which is not understood',
  ],
  ['mysql://shop:s3cret@db/stock?ssl-mode=MAYBE', 'must have an ssl-mode of DISABLED, PREFERRED'],
  ['mysql://shop:s3cret@db/stock?ssl-mode=REQUIRED&ssl=true', 'must not give ssl-mode twice'],
  ['mysql://shop:s3cret@db/stock?ssl-ca=', 'has the parameter ssl-ca without a value'],
  ['mysql://shop:s3cret@db/stock?ssl-cert=/c.pem', 'must have ssl-cert and ssl-key together'],
  ['mysql://shop:s3cret@db/stock?ssl=perhaps', 'must have ssl=true, ssl=false, or an object'],
  ['mysql://shop:s3cret@db/stock?ssl={"minVersion":"TLSv1"}', 'must have ssl=true, ssl=false, or'],
  ['mysql://shop:s3cret@10.0.0.1/stock?ssl-mode=VERIFY_IDENTITY', 'must name each host'],
  ['mysql://shop:s3cret@db', 'must name a database'],
  ['mysql://shop:s3cret@db/', 'must name a database'],
  ['mysql://shop:s3cret@/stock', 'must be an address that begins with mysql://'],
  ['postgres://shop:s3cret@db/stock', 'must be an address that begins with mysql://'],
  ['mysql://shop:s3cret@db1,,db2/stock', 'must list its hosts as in'],
  ['mysql://shop:s3cret@db:99999/stock', 'must list its hosts as in'],
  ['mysql://shop:s3cret@[db]:3306/stock', 'must list its hosts as in'],
  ['mysql://shop:s3cret%@db/stock', 'must have "%" encoded'],
  ['mysql://shop:s3?cret=@db/stock', 'must have "?", "#" and "@"'],
  ['mysql://shop:s3cret?@db/stock?ssl=true', 'must have "?", "#" and "@"'],
  ['mysql://shop:s3cret#@db/stock', 'must have "?", "#" and "@"'],
])('%s is refused in one sentence without its password', (url, problem) => {
  const said = problemOf(url);
  expect(said).toContain(`MYSQL_URL ${problem}`);
  expect(said).toMatch(/^[^\n]+\.$/);
  expect(said).not.toMatch(/s3|cret/);
});

test('another database is named in the same address', () => {
  expect(withDatabase('mysql://a:b@db1,db2:3307/one?ssl=true', 'two')).toBe(
    'mysql://a:b@db1,db2:3307/two?ssl=true',
  );
});
