/** The load generator's client, against servers of its own. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openHttpClient, type HttpClient } from '../../../bench/workers/http-load.js';

const bodies: string[][] = [];
const paths: (string | undefined)[] = [];
const servers: Server[] = [];
let client: HttpClient | undefined;

async function startServer(answer: string): Promise<string> {
  const received: string[] = [];
  bodies.push(received);
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
    request.on('end', () => {
      received.push(body);
      paths.push(request.url);
      response.end(answer);
    });
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
}

afterEach(async () => {
  await client?.close();
  for (const server of servers.splice(0)) server.close();
  bodies.length = 0;
  paths.length = 0;
});

const TAKEN = '{"data":{"deductStock":{"results":[{"__typename":"DeductedItem"}]}}}';

test('several servers get the requests in turn', async () => {
  const urls = [await startServer(TAKEN), await startServer(TAKEN), await startServer(TAKEN)];
  const opened = (client = openHttpClient({ urls, authorization: '' }, 2));
  const products = Array.from({ length: 6 }, (_, i) => `p-${i}`);
  const answers = await Promise.all(products.map((productId) => opened.deduct(productId)));
  expect(answers).toEqual(products.map(() => 'taken'));
  const received = bodies.map((own) => own.map((body) => /p-\d/.exec(body)?.[0]).sort());
  expect(received).toEqual([
    ['p-0', 'p-3'],
    ['p-1', 'p-4'],
    ['p-2', 'p-5'],
  ]);
});

test('a server with an address for each product gets the quantity there', async () => {
  const url = (await startServer('"INSUFFICIENT_STOCK"')).replace('graphql', 'stock/');
  client = openHttpClient({ urls: [url], authorization: '', isPerProduct: true }, 1);
  expect(await client.deduct('p-00007')).toBe('refused');
  expect(paths).toEqual(['/stock/p-00007/deduct']);
  expect(bodies).toEqual([['1']]);
});

test('an answer that is neither taken nor refused fails with what it says', async () => {
  const urls = [await startServer('{"errors":[{"message":"No."}]}')];
  client = openHttpClient({ urls, authorization: '' }, 1);
  await expect(client.deduct('p-0')).rejects.toThrow('HTTP 200: {"errors":[{"message":"No."}]}');
});
