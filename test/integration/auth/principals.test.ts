/** A key's name is its principal: the ledger records it, and idempotency keys are scoped by it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { DeductStockDocument, StockMovementsDocument } from '../../generated/operations.js';
import { bearer, newApiKey, prefixOf } from '../../support/api-keys.js';
import { givenUrl } from '../../support/fresh-database.js';
import { dataOf, send } from '../../support/graphql-client.js';
import { AUDIENCE, ISSUER, KeyServer, newSigningKey, sign } from '../../support/key-server.js';
import { useApp } from '../../support/use-app.js';

const app = useApp(null);
let keyServer: KeyServer;
const issuerKey = await newSigningKey('ES256', 'es-1');

beforeAll(async () => {
  keyServer = await KeyServer.start([issuerKey]);
  await app.restart({
    NODE_ENV: 'production',
    STOCK_LOCK: 'redis',
    REDIS_URL: givenUrl('REDIS_URL'),
    AUTH: 'keys,jwt',
    JWT_ISSUER: ISSUER,
    JWT_AUDIENCE: AUDIENCE,
    JWT_JWKS_URL: keyServer.url,
  });
});

afterAll(async () => {
  await keyServer.stop();
});

async function keys(...args: string[]) {
  const child = spawn(process.execPath, ['dist/src/cli/stockade.js', 'keys', ...args], {
    env: { PATH: process.env.PATH, MYSQL_URL: app.database.url },
  });
  const printed = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => (printed.stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (printed.stderr += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return { code, ...printed };
}

function deduct(credential: string, productId: string, quantity = 1, idempotencyKey?: string) {
  const input = { items: [{ productId, quantity }], idempotencyKey };
  return send(app.graphqlUrl, DeductStockDocument, { input }, { headers: bearer(credential) });
}

async function principalsOf(productId: string): Promise<unknown[]> {
  const reader = await newApiKey(app.database, 'auditor', ['read']);
  const variables = { productId, first: 10 };
  const options = { headers: bearer(reader) };
  const answer = dataOf(await send(app.graphqlUrl, StockMovementsDocument, variables, options));
  return answer.stockMovements.edges.map(({ node }) => node.principal).reverse();
}

test('the ledger has the name of the key and the subject of the token', async () => {
  const product = await app.shop.newProduct(5);
  const key = await newApiKey(app.database, 'shop', ['deduct']);
  dataOf(await deduct(key, product));
  dataOf(await deduct(await sign(issuerKey, { sub: 'shop' }), product));
  expect(await principalsOf(product)).toEqual([null, 'shop', 'jwt:shop']);
});

test('two principals may use the same idempotency key, even a key and a token of the same name', async () => {
  const product = await app.shop.newProduct(9);
  const credentials = [
    await newApiKey(app.database, 'shop', ['deduct']),
    await newApiKey(app.database, 'kiosk', ['deduct']),
    await sign(issuerKey, { sub: 'shop' }),
  ];
  // For one principal the same key with other input would be refused.
  for (const [i, credential] of credentials.entries()) {
    for (const replayed of [false, true]) {
      const { deductStock } = dataOf(await deduct(credential, product, i + 1, 'order-1'));
      expect(deductStock).toMatchObject({ replayed, results: [{ quantity: i + 1 }] });
    }
  }
  expect(await app.shop.onHand(product)).toBe(9 - 1 - 2 - 3);
});

test('a rotated key has the same principal: its idempotency keys replay, and the old key expires', async () => {
  const product = await app.shop.newProduct(5);
  const made = await keys(
    'create',
    '--name',
    'till',
    '--scopes',
    'deduct,read',
    '--expires',
    '90d',
  );
  expect(made).toMatchObject({ code: 0, stderr: 'Keep it: it is not shown again.\n' });
  const old = made.stdout.trim();
  dataOf(await deduct(old, product, 1, 'order-7'));

  const rotated = await keys('rotate', prefixOf(old), '--overlap', '1h');
  const fresh = rotated.stdout.trim();
  expect(fresh).not.toBe(old);
  for (const key of [old, fresh]) {
    expect(dataOf(await deduct(key, product, 1, 'order-7')).deductStock.replayed).toBe(true);
  }
  expect(await app.shop.onHand(product)).toBe(4);

  expect(await keys('revoke', fresh)).toMatchObject({ code: 0 });
  const { stdout } = await keys('list');
  const lines = stdout.split('\n').filter((line) => line.includes(' till '));
  expect(lines).toEqual([
    expect.stringMatching(
      new RegExp(`^${prefixOf(old)} +till +read,deduct +created .+ +expires .+Z$`),
    ),
    expect.stringMatching(
      new RegExp(`^${prefixOf(fresh)} +till +read,deduct +created .+ +revoked .+Z$`),
    ),
  ]);
  for (const secret of [old, fresh]) expect(stdout).not.toContain(secret.split('.')[1]);
});

test('only the hash of a secret is stored', async () => {
  const key = await newApiKey(app.database, 'secretive', ['read']);
  const [rows] = await app.database.sequelize.query('SELECT * FROM api_keys');
  expect(JSON.stringify(rows)).toContain(prefixOf(key));
  expect(JSON.stringify(rows)).not.toContain(key.split('.')[1]);
});

test.each<[args: string[], problem: RegExp]>([
  [
    ['create', '--name', 'a:b', '--scopes', 'read'],
    /^A name must have 1 to 63 characters .*; got "a:b"/,
  ],
  [['create', '--name', 'shop'], /--scopes <scopes>' not specified/],
  [['create', '--name', 'shop', '--scopes', ','], /Scopes must be some of .*; got none/],
  [['create', '--name', 'shop', '--scopes', 'admin'], /Scopes must be some of .*; got admin/],
  [
    ['create', '--name', 'shop', '--scopes', 'read', '--expires', '2001-01-01'],
    /must be in the future; got 2001/,
  ],
  [
    ['create', '--name', 'shop', '--scopes', 'read', '--expires', 'soon'],
    /'soon' is invalid. It must be a day/,
  ],
  [['revoke', 'stockade_000000000000'], /^Unknown key stockade_000000000000;/],
  [['rotate', 'stockade_000000000000'], /^Unknown key stockade_000000000000;/],
  [['revoke'], /missing required argument 'prefix'/],
  [['forget', 'x'], /unknown command 'forget'/],
  [['list', '--colour'], /--colour/],
  [[], /^Usage: stockade keys/],
])('keys %j says what is wrong, and makes nothing', async (args, problem) => {
  const before = (await keys('list')).stdout;
  const { code, stdout, stderr } = await keys(...args);
  expect([code, stdout]).toEqual([/^(error|Usage):? /.test(stderr) ? 2 : 1, '']);
  expect(stderr).toMatch(problem);
  expect(stderr).not.toMatch(/^ {4}at /m);
  expect((await keys('list')).stdout).toBe(before);
});

test('keys --help says how', async () => {
  expect(await keys('--help')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('rotate [options] <prefix>') as string,
  });
});
