/** The log as an operator reads it: lines of the built server on its standard output. */
import { givenUrl } from '../support/fresh-database.js';
import { startServer, type ServerProcess } from '../support/server-process.js';
import { until } from '../support/until.js';
import { useApp } from '../support/use-app.js';

const app = useApp({});

async function withServer(
  env: Record<string, string>,
  work: (server: ServerProcess) => Promise<void>,
): Promise<void> {
  const server = await startServer({
    ...{ MYSQL_URL: app.database.url, REDIS_URL: givenUrl('REDIS_URL'), ...env },
  });
  try {
    await work(server);
  } finally {
    await server.stop();
  }
}

async function deductTwoProducts(server: ServerProcess, headers = {}): Promise<void> {
  const [tea, cups] = [await app.newProduct(5), await app.newProduct(1)];
  const items = [
    { productId: tea, quantity: 2 },
    { productId: cups, quantity: 9 },
    { productId: tea, quantity: 1 },
  ];
  const query = `mutation ($items: [StockLineInput!]!) {
    deductStock(input: {items: $items}) { replayed } }`;
  await fetch(server.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query, variables: { items } }),
  });
}

const MESSAGE = 'A mutation was answered.';

test('at debug each mutation is one line, with the outcomes of its lines', async () => {
  await withServer({ LOG_LEVEL: 'debug' }, async (server) => {
    await deductTwoProducts(server, { 'x-request-id': 'order-7' });
    await fetch(`${server.graphqlUrl}?query=%7B__typename%7D`, {
      headers: { 'apollo-require-preflight': 'true' },
    });
    await until('the line', () => server.output().includes(MESSAGE));
    const lines = server
      .output()
      .split('\n')
      .filter((line) => line.includes(MESSAGE));
    expect(lines).toHaveLength(1);
    const line = JSON.parse(lines[0] ?? '') as { readonly time: string; readonly ms: number };
    expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(line.ms).toBeGreaterThan(0);
    expect(line).toMatchObject({
      level: 'debug',
      operation: 'deductStock',
      outcome: 'ok',
      lines: { applied: 2, INSUFFICIENT_STOCK: 1 },
      principal: null,
      correlationId: 'order-7',
    });
  });
});

test('at info a mutation leaves no line', async () => {
  await withServer({ LOG_LEVEL: 'info' }, async (server) => {
    await deductTwoProducts(server);
    await until('the start', () => server.output().includes('Stockade serves.'));
    expect(server.output()).not.toContain(MESSAGE);
  });
});

test('with traces the lines of a request name its trace', async () => {
  const env = { LOG_LEVEL: 'debug', OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' };
  await withServer(env, async (server) => {
    const traceId = '4bf92f3577b34da6a3ce929d0e0e4736';
    await deductTwoProducts(server, { traceparent: `00-${traceId}-00f067aa0ba902b7-01` });
    await until('the line', () => server.output().includes(MESSAGE));
    const [line = ''] = server
      .output()
      .split('\n')
      .filter((each) => each.includes(MESSAGE));
    expect(JSON.parse(line)).toMatchObject({ traceId });
  });
});

test('LOG_FORMAT=pretty writes lines for people', async () => {
  await withServer({ LOG_LEVEL: 'debug', LOG_FORMAT: 'pretty' }, async (server) => {
    await deductTwoProducts(server);
    await until('the line', () => server.output().includes(MESSAGE));
    expect(server.output()).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} DEBUG A mutation was answered\. operation=deductStock outcome=ok lines=/m,
    );
    expect(server.output()).not.toMatch(/^\{/m);
  });
});
