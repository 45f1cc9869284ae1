/** The room for lists that are read at once (READ_NODES_MAX) is given back, whichever way an operation goes. */
import { callStock, deduction } from '../../support/stock-calls.js';
import { until } from '../../support/until.js';
import { useApp } from '../../support/use-app.js';
import { startWatching, stopWatchers } from '../../support/watcher.js';

const app = useApp({ READ_NODES_MAX: '2000' });

afterEach(stopWatchers);

async function readList(comment: string): Promise<unknown> {
  // Another text is another operation, which Apollo executes.
  const query = `query { products(first: 100) { edges { node { id } } } } # ${comment}`;
  const response = await fetch(app.graphqlUrl, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  const { errors } = (await response.json()) as { errors?: unknown };
  return errors;
}

test('more lists than have room at once are read one after another, each as a new operation', async () => {
  for (let read = 0; read < 60; read += 1) expect(await readList(`list ${read}`)).toBeUndefined();
});

test('the same list is read as often', async () => {
  for (let read = 0; read < 60; read += 1) expect(await readList('the same')).toBeUndefined();
});

test('lists of events have their room as well, one event after another', async () => {
  const productId = await app.newProduct(100);
  const document = `subscription { stockChanged { __typename ... on StockChange {
    version product { movements(first: 100) { edges { node { id } } } } } } }`;
  const watcher = await startWatching(app.graphqlUrl, { document });
  for (let event = 1; event <= 30; event += 1) {
    await callStock(app.graphqlUrl, deduction({ [productId]: 1 }));
    await until('the event', () => watcher.events.length + watcher.faults.length >= event);
  }
  expect(watcher.faults).toEqual([]);
});
