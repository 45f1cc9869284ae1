/** How the files of the console are served: policies, caching, compressed forms, and nothing that is not listed. */
import { request } from 'node:http';
import type { ServerProcess } from '../../support/server-process.js';
import { Shop } from '../../support/shop.js';

let shop: Shop;
let server: ServerProcess;

beforeAll(async () => {
  shop = await Shop.open();
  server = await shop.startServer('none', { CONSOLE: 'true' });
});

afterAll(async () => {
  await server.stop();
  await shop.close();
});

interface Answer {
  readonly status: number | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
}

/** As it comes over the network, with the path as it is written. */
function get(path: string, headers: Record<string, string> = {}): Promise<Answer> {
  const { hostname, port } = new URL(server.origin);
  return new Promise((resolve, reject) => {
    request({ hostname, port, path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => {
        resolve({
          status: response.statusCode,
          headers: response.headers,
          bytes: Buffer.concat(chunks),
        });
      });
    })
      .on('error', reject)
      .end();
  });
}

async function assetName(): Promise<string> {
  const { bytes } = await get('/console/');
  const [, name] = /src="(\/console\/assets\/[\w.-]+\.js)"/.exec(bytes.toString()) ?? [];
  if (!name) throw new Error('The page loads no script.');
  return name;
}

test('the page allows no inline script, no style from elsewhere, and no frame around it', async () => {
  const { status, headers } = await get('/console/products');
  expect(status).toBe(200);
  const policy = String(headers['content-security-policy']);
  expect(policy).toContain("default-src 'none'");
  expect(policy).toContain("frame-ancestors 'none'");
  expect(policy).not.toMatch(/unsafe|\*|https?:/);
  expect(headers).toMatchObject({
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'cache-control': 'no-cache',
  });
});

test('an asset is kept for good, comes compressed, and is not sent again', async () => {
  const name = await assetName();
  const [plain, gzip, brotli] = await Promise.all(
    ['identity', 'gzip, br;q=0', 'gzip, br'].map((encoding) =>
      get(name, { 'accept-encoding': encoding }),
    ),
  );
  expect(plain?.headers['content-encoding']).toBeUndefined();
  expect(gzip?.headers['content-encoding']).toBe('gzip');
  expect(brotli?.headers['content-encoding']).toBe('br');
  expect(brotli?.bytes.length).toBeLessThan(gzip?.bytes.length ?? 0);
  expect(brotli?.headers['cache-control']).toContain('immutable');
  const tag = String(brotli?.headers.etag);
  const again = await get(name, { 'accept-encoding': 'br', 'if-none-match': tag });
  expect(again.status).toBe(304);
  expect(again.bytes.length).toBe(0);
});

test.each([
  '/console/assets/none.js',
  '/console/assets/../../../package.json',
  '/console/assets/..%2f..%2f..%2fpackage.json',
  '/console/../package.json',
  '/console/files.json',
  '/consoles',
])('%s shows no file that the build has not listed', async (path) => {
  const { bytes } = await get(path);
  expect(bytes.toString()).not.toContain('"devDependencies"');
  expect(bytes.toString()).not.toContain('"encoded"');
});

test('the root leads browsers to the console, and tells programs where the API is', async () => {
  const browser = await get('/', { accept: 'text/html,*/*;q=0.8' });
  expect([browser.status, browser.headers.location]).toEqual([302, '/console/']);
  const program = await get('/', { accept: '*/*' });
  expect(program.status).toBe(404);
  expect(JSON.parse(program.bytes.toString())).toMatchObject({
    errors: [{ extensions: { code: 'BAD_REQUEST' } }],
  });
});

test('a server whose CONSOLE is off has none', async () => {
  const off = await shop.startServer('none');
  try {
    const answer = await fetch(`${off.origin}/console/`);
    expect(answer.status).toBe(404);
  } finally {
    await off.stop();
  }
});
