/** The room for lists that are read at once (READ_NODES_MAX) is given back, whichever way an operation goes. */
import { useApp } from '../../support/use-app.js';

const app = useApp({ READ_NODES_MAX: '2000', REQUEST_TIMEOUT_MS: '2000' });

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
