/** What publishes committed changes to other processes, and what hands all of them to subscribers, put together. */
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import { ChangeListener } from './changes/change-listener.js';
import { ChangePublisher } from './changes/change-publisher.js';
import { StockFeed } from './changes/stock-feed.js';
import type { Config } from './config.js';
import type { Database } from './database/connections.js';
import { MysqlProductCatalogue } from './database/reading/product-catalogue.js';
import type { Started } from './started.js';
import type { Clock, Random } from './time/clock.js';

interface Shared {
  readonly log: Logger;
  readonly clock: Clock;
  readonly random: Random;
}

export async function openChanges(
  config: Config,
  database: Database,
  shared: Shared,
  started: Started,
): Promise<{ readonly publisher: ChangePublisher | null; readonly feed: StockFeed }> {
  const publisher = openPublisher(config, shared);
  if (publisher) {
    started.push('changes', () => publisher.stop());
    await publisher.start();
  }
  const feed = new StockFeed({
    ...shared,
    // A total that is behind would be corrected by no later event.
    products: new MysqlProductCatalogue({
      reader: database.decidingReader,
      writer: database.writer,
    }),
    queueMax: config.watchQueueMax,
    others: publisher && { publisher, source: new ChangeListener(publisher.settings) },
  });
  started.push('watching', () => feed.stop());
  return { publisher, feed };
}

/** Null without a Redis: subscribers then receive the changes of this process alone. */
function openPublisher({ redisUrl }: Config, shared: Shared): ChangePublisher | null {
  return redisUrl === undefined
    ? null
    : new ChangePublisher({ ...shared, redisUrl, name: randomUUID() });
}
