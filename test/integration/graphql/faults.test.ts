/**
 * What a client gets when something breaks, with real faults: rows that another connection has locked, a database that
 * refuses connections, a missing table, a column without permission. No answer reveals internals.
 */
import {
  CreateProductDocument,
  DeductStockDocument,
  IncreaseStockDocument,
  ProductDocument,
  ProductsDocument,
  StockMovementsDocument,
} from '../../generated/operations.js';
import { openPool } from '../../../src/database/pool.js';
import { createDatabaseUser, type DatabaseUser } from '../../support/database-user.js';
import { post, send } from '../../support/graphql-client.js';
import { whileRowsAreHeld } from '../../support/held-rows.js';
import { untilRowsAreWaitedFor } from '../../support/innodb.js';
import { faultOf, type Outcome, type RunningApp } from '../../support/running-app.js';
import { until } from '../../support/until.js';
import { useApp } from '../../support/use-app.js';

const shared = useApp(null);

function errorsOf(outcome: Outcome<{ deductStock: { results: readonly object[] } }>): unknown[] {
  return (outcome.data?.deductStock.results ?? []).map((result) =>
    'error' in result ? result.error : null,
  );
}

describe('where another connection has locked the rows', () => {
  test('a line that waited as long as it may is a LockTimeoutError, and is applied when it is sent again', async () => {
    const app = await shared.startAnother({ LOCK_WAIT_MS: '300' });
    const id = await app.newProduct(5);
    const input = { items: [{ productId: id, quantity: 2 }], idempotencyKey: `waits ${id}` };
    await whileRowsAreHeld(shared.database.url, id, async (release) => {
      const ahead = app.ask.http(IncreaseStockDocument, {
        input: { items: [{ productId: id, quantity: 1 }] },
      });
      await untilRowsAreWaitedFor(shared.database.sequelize);
      expect(errorsOf(await app.ask.http(DeductStockDocument, { input }))).toEqual([
        {
          __typename: 'LockTimeoutError',
          code: 'LOCK_TIMEOUT',
          retryable: true,
          waitedMs: expect.any(Number) as number,
          retryAfterMs: expect.any(Number) as number,
          message: expect.any(String) as string,
        },
      ]);
      await release();
      expect((await ahead).data?.increaseStock.results).toMatchObject([{ remaining: 6 }]);
    });
    const { deductStock } = await app.dataOf(DeductStockDocument, { input });
    expect(deductStock).toMatchObject({ replayed: false, results: [{ remaining: 4 }] });
    await app.stop();
  });

  test('a caller that waits for 100 ms gets its answer then, and may wait longer under the same key', async () => {
    const app = await shared.startAnother({});
    const id = await app.newProduct(5);
    const input = { items: [{ productId: id, quantity: 2 }], idempotencyKey: `hurries ${id}` };
    await whileRowsAreHeld(shared.database.url, id, async (release) => {
      const ahead = app.ask.http(IncreaseStockDocument, {
        input: { items: [{ productId: id, quantity: 1 }] },
      });
      await untilRowsAreWaitedFor(shared.database.sequelize);
      const hurried = { ...input, maxWaitMs: 100 };
      expect(errorsOf(await app.ask.http(DeductStockDocument, { input: hurried }))).toMatchObject([
        { code: 'LOCK_TIMEOUT', retryable: true },
      ]);
      await release();
      expect((await ahead).data?.increaseStock.results).toMatchObject([{ remaining: 6 }]);
    });
    const { deductStock } = await app.dataOf(DeductStockDocument, { input });
    expect(deductStock).toMatchObject({ replayed: false, results: [{ remaining: 4 }] });
    const again = { ...input, maxWaitMs: 5_000 };
    const repeated = await app.dataOf(DeductStockDocument, { input: again });
    expect(repeated.deductStock).toMatchObject({ replayed: true, results: [{ remaining: 4 }] });
    await app.stop();
  });

  test('a line that finds the queue full is an OverloadedError at once', async () => {
    const app = await shared.startAnother({ LANE_QUEUE_MAX: '1', COMMITS_MAX: '1' });
    const id = await app.newProduct(5);
    const input = { items: [{ productId: id, quantity: 1 }] };
    const answered: Outcome<unknown>[] = [];
    const calls: Promise<unknown[]>[] = [];
    await whileRowsAreHeld(shared.database.url, id, async () => {
      for (let i = 0; i < 5; i += 1) {
        const call = app.ask.http(DeductStockDocument, { input });
        calls.push(call.then(errorsOf));
        void call.then((outcome) => answered.push(outcome));
      }
      await until('a refusal while the rows are locked', () => answered.length > 0);
    });
    const errors = (await Promise.all(calls)).flat();
    const refused = errors.filter((error) => error !== null);
    expect(refused).toContainEqual({
      __typename: 'OverloadedError',
      code: 'OVERLOADED',
      retryable: true,
      retryAfterMs: expect.any(Number) as number,
      message: expect.any(String) as string,
    });
    expect(await shared.shop.onHand(id)).toBe(5 - (errors.length - refused.length));
    await app.stop();
  });

  test('after a client hangs up its waiting request is not begun, and a begun one is finished', async () => {
    const app = await shared.startAnother({ COMMITS_MAX: '1' });
    const [first, second] = [await app.newProduct(5), await app.newProduct(5)];
    const callAndHangUp = (productId: string) => {
      const hangUp = new AbortController();
      const input = { items: [{ productId, quantity: 1 }] };
      const call = send(app.graphqlUrl, DeductStockDocument, { input }, { signal: hangUp.signal });
      const broken = expect(call).rejects.toThrow();
      return async () => {
        hangUp.abort();
        await broken;
      };
    };
    await whileRowsAreHeld(shared.database.url, first, async () => {
      const hangUpFirst = callAndHangUp(first);
      await untilRowsAreWaitedFor(shared.database.sequelize);
      // The only transaction that may write is waiting, so the second request has not begun.
      const hangUpSecond = callAndHangUp(second);
      await fetch(`${app.origin}/live`);
      await Promise.all([hangUpFirst(), hangUpSecond()]);
      await fetch(`${app.origin}/live`);
    });
    await until(
      'the first request is applied',
      async () => (await shared.shop.onHand(first)) === 4,
    );
    const items = [{ productId: second, quantity: 1 }];
    const { deductStock } = await app.dataOf(DeductStockDocument, { input: { items } });
    expect(deductStock.results).toMatchObject([{ remaining: 4 }]);
    await app.stop();
  });
});

test('a query that the database does not answer ends at the deadline, and later ones are answered', async () => {
  const app = await shared.startAnother({ REQUEST_TIMEOUT_MS: '3000' });
  const id = await shared.shop.newProduct(5);
  const stranger = openPool({ url: shared.database.url }, 1);
  try {
    await stranger.query('LOCK TABLES products WRITE');
    expect(faultOf(await app.ask.http(ProductsDocument, {}))).toBe('UNAVAILABLE');
    await stranger.query('UNLOCK TABLES');
  } finally {
    await stranger.close();
  }
  await until('an answer', async () => {
    const { data } = await app.ask.http(ProductDocument, { id });
    return data?.product?.id === id;
  });
  await app.stop();
});

describe('where the database shuts us out', () => {
  let user: DatabaseUser;
  let app: RunningApp;
  let id: string;

  beforeAll(async () => {
    user = await createDatabaseUser(shared.database, [{ rights: 'SELECT, INSERT, UPDATE' }]);
    app = await shared.startAnother({ MYSQL_URL: user.url, REQUEST_TIMEOUT_MS: '5000' });
    id = await app.newProduct(5);
    await user.shutOut();
  });

  afterAll(async () => {
    await app.stop();
    await user.drop();
  });

  test('a line is an UnavailableError that says nothing was applied', async () => {
    const input = { items: [{ productId: id, quantity: 1 }], idempotencyKey: `away ${id}` };
    expect(errorsOf(await app.ask.http(DeductStockDocument, { input }))).toEqual([
      {
        __typename: 'UnavailableError',
        code: 'UNAVAILABLE',
        retryable: true,
        mayHaveApplied: false,
        message: expect.any(String) as string,
      },
    ]);
  });

  test('queries and createProduct fail with the code UNAVAILABLE', async () => {
    const { http } = app.ask;
    const single = await http(ProductDocument, { id });
    expect(single.errors).toMatchObject([
      { path: ['product'], extensions: { code: 'UNAVAILABLE' } },
    ]);
    expect(faultOf(await http(ProductsDocument, {}))).toBe('UNAVAILABLE');
    expect(faultOf(await http(StockMovementsDocument, {}))).toBe('UNAVAILABLE');
    const input = { id: 'never', name: 'Never' };
    expect(faultOf(await http(CreateProductDocument, { input }))).toBe('UNAVAILABLE');
  });

  test('/ready says no, /live says yes', async () => {
    const ready = await fetch(`${app.origin}/ready`);
    expect(ready.status).toBe(503);
    expect(await ready.json()).toMatchObject({ ready: false, writes: 'away' });
    const live = await fetch(`${app.origin}/live`);
    expect(live.status).toBe(200);
  });

  test('no answer of GraphQL names hosts, users or texts of the database; the log does, but no password', async () => {
    const input = { items: [{ productId: id, quantity: 1 }] };
    const answers = [
      await app.ask.http(DeductStockDocument, { input }),
      await app.ask.http(ProductDocument, { id }),
      await app.ask.http(ProductsDocument, {}),
      await app.ask.http(CreateProductDocument, { input: { id: 'never', name: 'Never' } }),
    ];
    const heard = JSON.stringify(answers);
    const { username, hostname, port, pathname } = new URL(user.url);
    for (const secret of [username, user.password, hostname, port, pathname.slice(1)]) {
      expect(heard).not.toContain(secret);
    }
    expect(heard).not.toMatch(/ER_|ECONN|sequelize|mysql|sql|locked|\.ts|\.js|at .*\(/i);
    // It names the primary, for operators.
    const ready = await (await fetch(`${app.origin}/ready`)).text();
    for (const secret of [username, user.password]) expect(ready).not.toContain(secret);
    const log = JSON.stringify(app.logged);
    expect(log).toContain('A request could not reach the database.');
    expect(log).not.toContain(user.password);
  });

  test('everything works again once the database accepts connections', async () => {
    await user.letIn();
    // The next probe finds that it takes writes; a line waits only a while for that.
    await until('it is ready', async () => (await fetch(`${app.origin}/ready`)).status === 200);
    const input = { items: [{ productId: id, quantity: 1 }], idempotencyKey: `away ${id}` };
    const { deductStock } = await app.dataOf(DeductStockDocument, { input });
    expect(deductStock).toMatchObject({ replayed: false, results: [{ remaining: 4 }] });
  });
});

describe('where an unexpected error occurs', () => {
  let app: RunningApp;
  let id: string;

  beforeAll(async () => {
    app = await shared.startAnother();
    id = await app.newProduct(5);
    await shared.database.sequelize.query('RENAME TABLE stock_movements TO hidden_movements');
  });

  afterAll(async () => {
    await shared.database.sequelize.query('RENAME TABLE hidden_movements TO stock_movements');
    await app.stop();
  });

  test.each([
    ['deductStock', DeductStockDocument],
    ['increaseStock', IncreaseStockDocument],
    ['createProduct', CreateProductDocument],
    ['stockMovements', StockMovementsDocument],
  ])(
    '%s answers an internal error with an id, and the log has the cause under the same id',
    async (_, document) => {
      const input =
        document === CreateProductDocument
          ? { id: 'broken', name: 'Broken', quantity: 1 }
          : { items: [{ productId: id, quantity: 1 }] };
      app.logged.length = 0;
      const response = await send(app.graphqlUrl, document as typeof DeductStockDocument, {
        input: input as { items: { productId: string; quantity: number }[] },
      });
      const correlationId = response.headers['x-request-id'];
      expect(response.errors).toMatchObject([
        {
          message: 'Internal error',
          extensions: { code: 'INTERNAL_SERVER_ERROR', correlationId },
        },
      ]);
      expect(Object.keys(response.errors?.[0]?.extensions ?? {}).sort()).toEqual([
        'code',
        'correlationId',
      ]);
      const [line] = app.logged;
      expect(line).toMatchObject({ level: 50, correlationId });
      expect(line?.err?.message).toContain('stock_movements');
      expect(await shared.shop.onHand(id)).toBe(5);
    },
  );

  test('the id is the one that the client sent, if it has a valid form', async () => {
    const ask = async (requestId: string) => {
      const body = JSON.stringify({ query: '{ stockMovements { nodes { id } } }' });
      const response = await post(app.graphqlUrl, body, { headers: { 'x-request-id': requestId } });
      const { correlationId } = response.errors?.[0]?.extensions ?? {};
      expect(response.headers['x-request-id']).toBe(correlationId);
      return correlationId;
    };
    expect(await ask('order-17:try.2_a')).toBe('order-17:try.2_a');
    for (const unusable of ['', 'two words', '<script>', 'x'.repeat(129)]) {
      expect(await ask(unusable)).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
});

describe('where the product cannot be read after COMMIT', () => {
  let user: DatabaseUser;
  let app: RunningApp;
  let id: string;

  beforeAll(async () => {
    // All rights that changing stock needs, but of a product only its id.
    user = await createDatabaseUser(shared.database, [
      { rights: 'SELECT (id), INSERT', table: 'products' },
      { rights: 'SELECT', table: 'locations' },
      { rights: 'SELECT, INSERT, UPDATE', table: 'stock_levels' },
      { rights: 'SELECT, INSERT', table: 'stock_movements' },
      { rights: 'SELECT, INSERT, UPDATE', table: 'stock_operations' },
      { rights: 'SELECT', table: 'schema_migrations' },
      { rights: 'SELECT', table: 'fleet_keys' },
    ]);
    const owner = await shared.startAnother();
    id = await owner.newProduct(5);
    await owner.stop();
    app = await shared.startAnother({ MYSQL_URL: user.url });
  });

  afterAll(async () => {
    await app.stop();
    await user.drop();
  });

  test.each(['resolvers', 'http'] as const)(
    'the line is applied, with no product and no error (%s)',
    async (level) => {
      const before = (await shared.shop.onHand(id)) ?? 0;
      const input = { items: [{ productId: id, quantity: 1 }], idempotencyKey: `unread ${level}` };
      app.logged.length = 0;
      const outcome = await app.ask[level](DeductStockDocument, { input });
      expect(outcome.errors).toBeUndefined();
      expect(outcome.data?.deductStock).toMatchObject({
        replayed: false,
        results: [{ __typename: 'DeductedItem', remaining: before - 1, product: null }],
      });
      expect(await shared.shop.onHand(id)).toBe(before - 1);
      // Beside it stands what the look for due reservations says, which has no rights either.
      expect(app.logged.map(({ msg }) => msg)).toContain(
        'The answer has no product: it could not be read.',
      );
    },
  );

  test('an increase is applied as well', async () => {
    const input = { items: [{ productId: id, quantity: 3 }] };
    const outcome = await app.ask.http(IncreaseStockDocument, { input });
    expect(outcome.errors).toBeUndefined();
    expect(outcome.data?.increaseStock.results).toMatchObject([{ product: null }]);
  });

  test('ProductAlreadyExistsError is answered without its product, too', async () => {
    const reader = await createDatabaseUser(shared.database, [
      { rights: 'SELECT, INSERT', table: 'products' },
      { rights: 'SELECT', table: 'locations' },
      { rights: 'SELECT', table: 'schema_migrations' },
      { rights: 'SELECT', table: 'fleet_keys' },
    ]);
    const blind = await shared.startAnother({ MYSQL_URL: reader.url });
    const outcome = await blind.ask.http(CreateProductDocument, { input: { id, name: 'Again' } });
    expect(outcome.errors).toBeUndefined();
    expect(outcome.data?.createProduct).toMatchObject({
      __typename: 'ProductAlreadyExistsError',
      product: null,
    });
    await blind.stop();
    await reader.drop();
  });

  test('a query for the product itself is an error', async () => {
    const outcome = await app.ask.http(ProductDocument, { id });
    expect(outcome.errors).toMatchObject([{ extensions: { code: 'INTERNAL_SERVER_ERROR' } }]);
    expect(outcome.data).toEqual({ product: null });
  });
});
