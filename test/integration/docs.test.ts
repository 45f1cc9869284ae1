/**
 * The examples of the documentation, executed as they stand: each page from top to bottom, against the sample data,
 * every answer compared with the one that is printed. `…` is any value; a name in angle brackets is taken from an
 * answer and put into what comes after it.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { addSampleCatalogue, type Ask } from '../../services/sample-catalogue.js';
import { bearer, newApiKey } from '../support/api-keys.js';
import { post } from '../support/graphql-client.js';
import { callStock, deduction } from '../support/stock-calls.js';
import { until } from '../support/until.js';
import { useApp } from '../support/use-app.js';
import { startWatching, stopWatchers } from '../support/watcher.js';

interface Example {
  readonly operation: string;
  readonly answer: unknown;
}

function examplesOf(page: string): Example[] {
  const text = readFileSync(page, 'utf8');
  const blocks = text.matchAll(/```graphql\n([^`]+)```\n\n(?:[^`\n]+\n\n)?```json\n([^`]+)```/g);
  return [...blocks].map(([, operation = '', answer = '']) => {
    const printed = JSON.parse(answer) as Record<string, unknown>;
    const isWhole = 'data' in printed || 'errors' in printed;
    return { operation, answer: isWhole ? printed : { data: printed } };
  });
}

const PAGES = readdirSync('docs')
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`)
  .concat('README.md')
  .filter((page) => readFileSync(page, 'utf8').includes('```graphql\n'))
  .map((page) => ({ page, examples: examplesOf(page) }));

afterEach(stopWatchers);

const app = useApp({ NODE_ENV: 'development' }, 'test');
let headers: Record<string, string>;

beforeEach(async () => {
  headers = {};
  const ask: Ask = ({ query, variables }) =>
    post(app.graphqlUrl, JSON.stringify({ query, variables }));
  await addSampleCatalogue(ask, AbortSignal.timeout(60_000));
});

/** The page on keys shows the answers to a caller with the scope `read`. */
async function askWithAKey(): Promise<void> {
  await app.restart({ AUTH: 'keys' });
  headers = bearer(await newApiKey(app.database, 'reader', ['read']));
}

/** What comes first of a subscription to the product that is sold. */
async function firstEvent(document: string): Promise<unknown> {
  const watcher = await startWatching(app.graphqlUrl, { document });
  await callStock(app.graphqlUrl, deduction({ 'flash-sale': 1 }));
  await until('an event', () => watcher.events.length > 0);
  return { data: { stockChanged: watcher.events[0] } };
}

async function answerTo(query: string): Promise<unknown> {
  if (query.startsWith('subscription')) return firstEvent(query);
  const { data, errors } = await post(app.graphqlUrl, JSON.stringify({ query }), { headers });
  // The examples leave out the path and the position of an error.
  const said = errors?.map(({ message, extensions }) => ({ message, extensions }));
  return said ? { errors: said } : { data };
}

/** What is printed, with what may differ replaced by what came; names are learnt on the way. */
function fillIn(printed: unknown, came: unknown, names: Map<string, string>): unknown {
  if (printed === '…') return came;
  if (typeof printed === 'string' && /^<.+>$/.test(printed)) {
    if (typeof came === 'string') names.set(printed, came);
    return came;
  }
  if (Array.isArray(printed) && Array.isArray(came)) {
    return printed.map((value, i) => fillIn(value, came[i], names));
  }
  if (typeof printed === 'object' && printed && typeof came === 'object' && came) {
    return Object.fromEntries(
      Object.entries(printed).map(([key, value]) => [
        key,
        fillIn(value, (came as Record<string, unknown>)[key], names),
      ]),
    );
  }
  return printed;
}

test('every page that shows operations shows their answers', () => {
  for (const { page, examples } of PAGES) {
    const operations = readFileSync(page, 'utf8').match(/```graphql\n/g) ?? [];
    expect([page, examples.length]).toEqual([page, operations.length]);
  }
  expect(PAGES.length).toBeGreaterThan(5);
});

test.each(PAGES)('$page', async ({ page, examples }) => {
  if (page === 'docs/authentication.md') await askWithAKey();
  const names = new Map<string, string>();
  for (const { operation, answer } of examples) {
    const query = operation.replaceAll(/<[\w-]+>/g, (name) => names.get(name) ?? name);
    const came = await answerTo(query);
    expect(came).toEqual(fillIn(answer, came, names));
  }
});
