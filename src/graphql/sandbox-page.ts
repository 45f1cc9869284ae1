/** The page of Apollo Sandbox, which a browser gets at `/graphql`. Without the internet it leads to the explorer. */
import type { ApolloServerPlugin, GraphQLServerListener, LandingPage } from '@apollo/server';
import { ApolloServerPluginLandingPageLocalDefault } from '@apollo/server/plugin/landingPage/default';

/** What Sandbox opens with. */
const FIRST_OPERATION = {
  document: `mutation DeductStock($input: DeductStockInput!) {
  deductStock(input: $input) {
    results {
      ... on DeductedItem { index productId quantity remaining product { name available } }
      ... on FailedItem { index productId quantity error { code message retryable } }
    }
    replayed
  }
}`,
  variables: { input: { items: [{ productId: 'flash-sale', quantity: 1 }] } },
};

/** Before anything that is loaded from elsewhere. The page's own policy allows scripts of this server. */
const HEAD = '<head>';
const WAY_OUT = '<script src="/console/without-sandbox.js"></script>';

/** @param hasExplorer whether this server serves the explorer. */
export function sandboxPage(hasExplorer: boolean): ApolloServerPlugin {
  const plugin = ApolloServerPluginLandingPageLocalDefault({
    embed: true,
    footer: false,
    ...FIRST_OPERATION,
  });
  if (!hasExplorer) return plugin;
  return {
    async serverWillStart(service): Promise<GraphQLServerListener> {
      const listener = (await plugin.serverWillStart?.(service)) ?? {};
      const page = await listener.renderLandingPage?.();
      if (!page) return listener;
      return { ...listener, renderLandingPage: () => Promise.resolve(withWayOut(page)) };
    },
  };
}

function withWayOut({ html }: LandingPage): LandingPage {
  return {
    html: async () => {
      const text = typeof html === 'string' ? html : await html();
      return text.replace(HEAD, `${HEAD}${WAY_OUT}`);
    },
  };
}
