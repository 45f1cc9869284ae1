/**
 * The application for one test file: a fresh database, the app on it, and all of it gone at the end, with a ledger that
 * explains every unit. The object is made when the file is read; its fields are there from `beforeAll` on.
 */
import type { FreshDatabase } from './fresh-database.js';
import { closeClient } from './graphql-client.js';
import { runApp, stopApps, type RunningApp } from './running-app.js';
import { Shop } from './shop.js';

type Env = Readonly<Record<string, string>>;

export interface UsedApp extends RunningApp {
  /** The database as it is behind the app: levels, ledger, and products that are made without the app. */
  readonly shop: Shop;
  readonly database: FreshDatabase;
  /** Replaces the app by one with other settings, on the same database. */
  restart(env: Env): Promise<void>;
  /** One more app on the same database; it is stopped at the end at the latest. */
  startAnother(env?: Env): Promise<RunningApp>;
}

/**
 * Call it once in a test file, before other hooks.
 *
 * @param env what the app is started with, or null where each test starts its own.
 * @param scope how long the database lasts: for the whole file, or for one test.
 */
export function useApp(env: Env | null = {}, scope: 'file' | 'test' = 'file'): UsedApp {
  let shop: Shop;
  let app: RunningApp | undefined;

  const [before, after] = scope === 'file' ? [beforeAll, afterAll] : [beforeEach, afterEach];

  before(async () => {
    shop = await Shop.open();
    if (env) app = await runApp(shop.database.url, env);
  });

  after(async () => {
    await stopApps();
    closeClient();
    const problems = await shop.problems();
    await shop.close();
    expect(problems).toEqual([]);
  });

  const current = (): RunningApp => {
    if (!app) throw new Error('No app is running; call restart() or startAnother().');
    return app;
  };

  return {
    get shop() {
      return shop;
    },
    get database() {
      return shop.database;
    },
    get graphqlUrl() {
      return current().graphqlUrl;
    },
    get origin() {
      return current().origin;
    },
    get ask() {
      return current().ask;
    },
    get statements() {
      return current().statements;
    },
    get logged() {
      return current().logged;
    },
    dataOf: (document, variables) => current().dataOf(document, variables),
    newProduct: (...product) => current().newProduct(...product),
    stop: () => current().stop(),
    restart: async (newEnv) => {
      await app?.stop();
      closeClient();
      app = await runApp(shop.database.url, newEnv);
    },
    startAnother: (newEnv = {}) => runApp(shop.database.url, newEnv),
  };
}
