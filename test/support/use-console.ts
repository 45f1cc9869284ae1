/**
 * The console for one test file: a shop, a server that serves it, a browser, and all of it gone at the end. A page that
 * `open` has opened fails its test where the browser names a violation of the Content-Security-Policy or an uncaught
 * error. The object is made when the file is read; its fields are there from `beforeAll` on.
 */
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { launchBrowser, openPage, type WatchedPage } from './browser.js';
import { closeClient } from './graphql-client.js';
import type { ServerProcess } from './server-process.js';
import { Shop } from './shop.js';

/** What a server needs to serve the console. */
export const CONSOLE = { CONSOLE: 'true' };

export interface UsedConsole {
  readonly shop: Shop;
  readonly server: ServerProcess;
  readonly browser: Browser;
  /**
   * A page of the console in a context of its own, until the end of the test.
   *
   * @param path as in `/products`.
   * @param origin of another server.
   */
  open(path: string, options?: BrowserContextOptions, origin?: string): Promise<Page>;
}

/**
 * Call it once in a test file, before other hooks.
 *
 * @param options.isLedgerWhole false where the file writes lines into the ledger that change no level.
 */
export function useConsole({ isLedgerWhole = true } = {}): UsedConsole {
  let shop: Shop;
  let server: ServerProcess;
  let browser: Browser;
  const opened: WatchedPage[] = [];

  beforeAll(async () => {
    shop = await Shop.open();
    [server, browser] = await Promise.all([shop.startServer('redis', CONSOLE), launchBrowser()]);
  });

  afterEach(async () => {
    const pages = opened.splice(0);
    for (const { page } of pages) {
      if (page.isClosed()) continue;
      await page.unrouteAll({ behavior: 'ignoreErrors' });
      await page.context().close();
    }
    expect(pages.flatMap(({ complaints }) => complaints)).toEqual([]);
  });

  afterAll(async () => {
    await browser.close();
    await server.stop();
    closeClient();
    const problems = isLedgerWhole ? await shop.problems() : [];
    await shop.close();
    expect(problems).toEqual([]);
  });

  return {
    get shop() {
      return shop;
    },
    get server() {
      return server;
    },
    get browser() {
      return browser;
    },
    open: async (path, options, origin = server.origin) => {
      const one = await openPage(browser, `${origin}/console${path}`, options);
      opened.push(one);
      return one.page;
    },
  };
}
