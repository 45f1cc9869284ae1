/** Watching stock: argument → domain → type, nothing else. */
import { Arg, ID, Resolver, Root, Subscription } from 'type-graphql';
import { checkWatchedIds, type StockEvent as WatchedEvent } from '../../inventory/stock-changes.js';
import type { RequestContext } from '../context.js';
import { RequiresScope } from '../permissions.js';
import { StockChange, StockChangesMissed, StockEvent, toStockEvent } from './stock-changed.js';

@Resolver()
export class WatchResolver {
  @RequiresScope('read')
  @Subscription(() => StockEvent, {
    subscribe: ({ args, context }) => {
      const { productIds } = args as { readonly productIds?: readonly string[] | null };
      const { services } = context as RequestContext;
      return services.stockWatch.watch(checkWatchedIds(productIds));
    },
    description:
      'Levels after each committed change, whichever process made it; all products where productIds is left out.',
  })
  stockChanged(
    @Arg('productIds', () => [ID], { nullable: true, description: '1 to 100 ids.' })
    productIds: string[] | null,
    @Root() event: WatchedEvent,
  ): StockChange | StockChangesMissed {
    return toStockEvent(event);
  }
}
