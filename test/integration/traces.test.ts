/** Traces of requests, as a collector receives them. */
import { randomBytes } from 'node:crypto';
import { givenUrl } from '../support/fresh-database.js';
import { heldOnce } from '../support/held-once.js';
import { whileRowsAreHeld } from '../support/held-rows.js';
import type { RunningApp } from '../support/running-app.js';
import { startServer } from '../support/server-process.js';
import {
  startTraceCollector,
  type CollectedSpan,
  type TraceCollector,
} from '../support/trace-collector.js';
import { until } from '../support/until.js';
import { useApp } from '../support/use-app.js';
import { metric } from '../support/watcher.js';

const app = useApp({ STOCK_LOCK: 'redis', REDIS_URL: process.env.REDIS_URL ?? '' });

let collector: TraceCollector;

beforeEach(async () => {
  collector = await startTraceCollector();
});

afterEach(async () => {
  await collector.close();
});

function startTraced(env: Record<string, string> = {}): Promise<RunningApp> {
  return app.startAnother({
    ...{ STOCK_LOCK: 'redis', REDIS_URL: givenUrl('REDIS_URL') },
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
    ...{ OTEL_SERVICE_NAME: 'shop', ...env },
  });
}

interface Caller {
  readonly traceId: string;
  readonly spanId: string;
}

/** Deducts one unit, as part of the trace of a caller. */
async function deduct(at: RunningApp, productId: string, flags = '01'): Promise<Caller> {
  const caller = {
    traceId: randomBytes(16).toString('hex'),
    spanId: randomBytes(8).toString('hex'),
  };
  const query = `mutation { deductStock(input: {items: [{productId: "${productId}", quantity: 1}]}) {
    successfulItems { remaining } } }`;
  const response = await fetch(at.graphqlUrl, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      traceparent: `00-${caller.traceId}-${caller.spanId}-${flags}`,
    },
    body: JSON.stringify({ query }),
  });
  const { data } = (await response.json()) as {
    data: { deductStock: { successfulItems: unknown[] } };
  };
  expect(data.deductStock.successfulItems).toHaveLength(1);
  return caller;
}

const named = (name: string) => collector.spans.filter((span) => span.name === name);

function requestOf({ traceId }: Caller): CollectedSpan {
  const [request] = named('mutation deductStock').filter((span) => span.traceId === traceId);
  if (!request) throw new Error('The request has no span.');
  return request;
}

const childrenOf = ({ spanId }: CollectedSpan) =>
  collector.spans.filter(({ parentSpanId }) => parentSpanId === spanId);

test("a request's span continues the caller's trace, with its wait, its commit and statements below it", async () => {
  const traced = await startTraced();
  const productId = await app.newProduct(5);
  const caller = await deduct(traced, productId);
  await traced.stop();
  const request = requestOf(caller);
  expect(request).toMatchObject({
    parentSpanId: caller.spanId,
    attributes: { 'http.response.status_code': 200, 'graphql.operation.type': 'mutation' },
    resource: { 'service.name': 'shop' },
  });
  const [wait] = childrenOf(request).filter(({ name }) => name === 'wait deductStock');
  const [commit] = childrenOf(request).filter(({ name }) => name === 'commit');
  expect(wait).toMatchObject({
    links: [commit?.spanId],
    attributes: { 'stockade.lines': 1, 'stockade.products': [productId] },
  });
  expect(commit?.links).toEqual([request.spanId]);
  const statements = commit ? childrenOf(commit).map(({ name }) => name) : [];
  expect(statements).toEqual(
    expect.arrayContaining([
      'START TRANSACTION',
      'UPDATE stock_levels',
      'INSERT stock_movements',
      'COMMIT',
    ]),
  );
  expect(JSON.stringify(collector.spans)).not.toContain('VALUES');
});

test('a commit that requests share is in the trace of the first one, and links to all of them', async () => {
  const traced = await startTraced({ COMMITS_MAX: '1' });
  const productId = await app.newProduct(50);
  const callers: Caller[] = [];
  await whileRowsAreHeld(app.database.url, productId, async (release) => {
    const first = deduct(traced, productId);
    const metrics = async () => (await fetch(`${traced.origin}/metrics`)).text();
    await until('the first commit waits', async () =>
      (await metrics()).includes('stockade_commits{state="running"} 1'),
    );
    const others = Array.from({ length: 6 }, () => deduct(traced, productId));
    await until('the others wait', async () =>
      (await metrics()).includes('stockade_queue_lines 6'),
    );
    await release();
    callers.push(...(await Promise.all([first, ...others])));
  });
  await traced.stop();
  const requests = callers.map(requestOf).map(({ spanId }) => spanId);
  const commits = named('commit').filter(({ links }) => links.length > 1);
  expect(commits.map(({ links }) => [...links].sort())).toEqual([requests.slice(1).sort()]);
  const [shared] = commits;
  expect(shared?.parentSpanId).toBe(shared?.links[0]);
  expect(shared?.attributes).toMatchObject({ 'stockade.writes': 6, 'stockade.lines': 6 });
  const waits = named('wait deductStock').filter(({ links }) =>
    links.includes(shared?.spanId ?? ''),
  );
  expect(waits.map(({ parentSpanId }) => parentSpanId).sort()).toEqual(requests.slice(1).sort());
});

test('the owner of a product links its commit to the request at the server that was asked', async () => {
  const [owner, asked] = [await startTraced(), await startTraced()];
  const decidedByOwner = () =>
    metric(asked.origin, 'stockade_delegated_writes_total{outcome="answered"}');
  let caller: Caller | undefined;
  // A line whose owner is silent for a second, as in a pause of the machine, is decided where it was asked for.
  const isDecidedByOwner = await heldOnce(3, async () => {
    const productId = await app.newProduct(9);
    await deduct(owner, productId);
    const before = await decidedByOwner();
    caller = await deduct(asked, productId);
    return (await decidedByOwner()) > before;
  });
  if (!caller || !isDecidedByOwner) throw new Error('The owner has decided no line.');
  await Promise.all([owner.stop(), asked.stop()]);
  const request = requestOf(caller);
  const [commit] = named('commit').filter(({ links }) => links.includes(request.spanId));
  expect(commit).toMatchObject({ traceId: caller.traceId, parentSpanId: request.spanId });
  const instance = 'service.instance.id';
  expect(commit?.resource[instance]).not.toBe(request.resource[instance]);
});

test('a request that its caller does not record leaves no span', async () => {
  const traced = await startTraced();
  const caller = await deduct(traced, await app.newProduct(5), '00');
  await traced.stop();
  expect(collector.spans.filter(({ traceId }) => traceId === caller.traceId)).toEqual([]);
  expect(named('commit')).toEqual([]);
});

test('a refused request has the code of its error', async () => {
  const traced = await startTraced();
  await fetch(traced.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ noSuchField }' }),
  });
  await traced.stop();
  const codes = collector.spans.map(({ attributes }) => attributes['error.type']);
  expect(codes).toEqual(['GRAPHQL_VALIDATION_FAILED']);
});

test('a collector that is away delays no answer, and a stop by two seconds at most', async () => {
  const traced = await startTraced({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' });
  await deduct(traced, await app.newProduct(5));
  const beganMs = performance.now();
  await traced.stop();
  expect(performance.now() - beganMs).toBeLessThan(8_000);
});

test.each([
  ['without an endpoint no SDK of OpenTelemetry', {}, false],
  ['with one the SDK', { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' }, true],
])('%s is loaded', async (_, env, isLoaded) => {
  const server = await startServer({
    ...{ MYSQL_URL: app.database.url, REDIS_URL: givenUrl('REDIS_URL'), ...env },
    NODE_OPTIONS: '--import ./test/support/loaded-packages.mjs',
  });
  try {
    server.signal('SIGUSR2');
    await until('the packages are told', () => /^packages .*\]$/m.test(server.output()));
    const [, names = '[]'] = /^packages (.*)$/m.exec(server.output()) ?? [];
    const loaded = JSON.parse(names) as string[];
    expect(loaded).toContain('sequelize');
    // prom-client has the interface without an SDK.
    const sdk = loaded.filter((name) => /^@opentelemetry\/(?!api$)/.test(name));
    expect(sdk.length > 0).toBe(isLoaded);
  } finally {
    await server.stop();
  }
});
