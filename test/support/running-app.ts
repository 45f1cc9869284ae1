/**
 * The application in the test's own process, on a database of its own: asked at the resolvers' level or over HTTP, with
 * every statement and every line of the log in view.
 */
import type { TypedDocumentNode } from '@graphql-typed-document-node/core';
import type { GraphQLFormattedError } from 'graphql';
import { pino } from 'pino';
import { startApp } from '../../src/app.js';
import { loadConfig } from '../../src/config.js';
import { CreateProductDocument, type CreateProductInput } from '../generated/operations.js';
import { dataOf, send } from './graphql-client.js';
import { newProductId } from './product-ids.js';

export interface Outcome<Data> {
  readonly data?: Data | null;
  readonly errors?: readonly GraphQLFormattedError[];
}

export type Ask = <Data, Variables>(
  document: TypedDocumentNode<Data, Variables>,
  variables: Variables,
) => Promise<Outcome<Data>>;

export interface LogLine {
  readonly level: number;
  readonly msg: string;
  readonly correlationId?: string;
  readonly err?: { readonly type: string; readonly message: string; readonly stack: string };
}

export interface RunningApp {
  readonly graphqlUrl: string;
  /** As in `http://127.0.0.1:40123`. */
  readonly origin: string;
  /** Through Apollo's executeOperation, or by a POST; the same operation gets the same answer. */
  readonly ask: Readonly<Record<'resolvers' | 'http', Ask>>;
  /** The data of an operation that must succeed, over HTTP. */
  readonly dataOf: <Data, Variables>(
    document: TypedDocumentNode<Data, Variables>,
    variables: Variables,
  ) => Promise<Data>;
  /** Creates a product over HTTP, without a credential, and resolves with its id. */
  readonly newProduct: (quantity: number, more?: Partial<CreateProductInput>) => Promise<string>;
  /** What requests sent to MySQL, oldest first: without what the app asks on its own. Empty it to count from there. */
  readonly statements: string[];
  /** What was logged, oldest first. */
  readonly logged: LogLine[];
  stop(): Promise<void>;
}

const running = new Set<RunningApp>();

/** Stops those that a failed test has left. For afterAll. */
export async function stopApps(): Promise<void> {
  await Promise.all([...running].map((app) => app.stop()));
}

/**
 * Needs no Redis unless `STOCK_LOCK` says so. Operations are compiled at once, or never where the environment of the
 * tests has `GRAPHQL_COMPILED=false`.
 */
export async function runApp(
  mysqlUrl: string,
  env: Readonly<Record<string, string>> = {},
): Promise<RunningApp> {
  const { statements, keep } = keepStatements();
  const logged: LogLine[] = [];
  const log = pino(
    { level: 'info' },
    { write: (line: string) => logged.push(JSON.parse(line) as LogLine) },
  );
  const config = loadConfig({
    NODE_ENV: 'test',
    PORT: '0',
    MYSQL_URL: mysqlUrl,
    STOCK_LOCK: 'none',
    SHUTDOWN_GRACE_MS: '2000',
    MIGRATE_ON_START: 'false',
    GRAPHQL_COMPILED: process.env.GRAPHQL_COMPILED,
    ...env,
  });
  const app = await startApp(config, {
    log,
    onStatement: keep,
    compileAtFirst: true,
  });
  const ask: RunningApp['ask'] = {
    resolvers: (query, variables) =>
      app.execute({ query, variables: variables as Record<string, unknown> }),
    http: (document, variables) => send(app.url, document, variables),
  };
  const runningApp: RunningApp = {
    graphqlUrl: app.url,
    origin: new URL(app.url).origin,
    ask,
    dataOf: async (document, variables) => dataOf(await send(app.url, document, variables)),
    newProduct: async (quantity, more = {}) => {
      const id = newProductId();
      const input = { id, name: id, quantity, ...more };
      await runningApp.dataOf(CreateProductDocument, { input });
      return id;
    },
    statements,
    logged,
    stop: async () => {
      running.delete(runningApp);
      await app.stop();
    },
  };
  running.add(runningApp);
  return runningApp;
}

/** The app's own rounds: a look for due reservations each second, one for old answers and withdrawals each minute. */
const OF_ITS_OWN = [
  /FROM reservation_lines WHERE held_until <= NOW\(6\)/,
  /stockade\.answers\./,
  /DELETE FROM withdrawn_writes/,
  /SELECT id FROM stock_operations\s+WHERE answer_expired/,
];
const IN_TRANSACTION = /^Executing \(([0-9a-f-]{36})\)/;

/** Leaves out what an app does on its own: a test that counts would fail when its time comes. */
function keepStatements() {
  const statements: string[] = [];
  const leftOut = new Set<string>();
  const transactionOf = (sql: string) => IN_TRANSACTION.exec(sql)?.[1];
  const isLeftOut = (sql: string) => leftOut.has(transactionOf(sql) ?? '');
  const keep = (sql: string) => {
    const transaction = transactionOf(sql);
    if (OF_ITS_OWN.some((pattern) => pattern.test(sql))) {
      if (transaction === undefined) return;
      leftOut.add(transaction);
      // It has begun, which was not yet known to be of this kind.
      const wanted = statements.filter((earlier) => !isLeftOut(earlier));
      statements.splice(0, statements.length, ...wanted);
    }
    if (!isLeftOut(sql)) statements.push(sql);
  };
  return { statements, keep };
}

/** The code of the only error of an outcome that has no data. */
export function faultOf(outcome: Outcome<unknown>): unknown {
  const [error, ...more] = outcome.errors ?? [];
  if (!error || more.length > 0 || outcome.data) {
    throw new Error(`Not one fault: ${JSON.stringify(outcome)}`);
  }
  return error.extensions?.code;
}
