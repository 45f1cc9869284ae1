/**
 * A virtual object of Restate for each product: one handler at a time, state that Restate keeps. It is the shortest
 * that deducts stock. It writes no ledger line: the journal of its invocations is the only record.
 */
import { createServer } from 'node:http2';

// The SDK expects the Promise.withResolvers of Node 22.
Promise.withResolvers ??= function withResolvers() {
  const parts = {};
  parts.promise = new Promise((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
};

const { createEndpointHandler, object } = await import('@restatedev/restate-sdk');

const stock = (units) =>
  object({
    name: 'stock',
    handlers: {
      deduct: async (context, quantity) => {
        const level = (await context.get('level')) ?? { onHand: units, sequence: 0 };
        if (level.onHand < quantity) return 'INSUFFICIENT_STOCK';
        const { onHand, sequence } = level;
        context.set('level', { onHand: onHand - quantity, sequence: sequence + 1 });
        return 'DeductedItem';
      },
    },
  });

/** Serves the objects, each of which begins with so many units. */
export async function serveObjects({ units, host, port }) {
  const logger = () => undefined;
  const server = createServer(createEndpointHandler({ services: [stock(units)], logger }));
  await new Promise((resolve) => server.listen(port, host, resolve));
}

/** The program of this platform. Throws if Restate ships none. */
export function programOf(platform, architecture) {
  const name = `@restatedev/restate-server-${platform}-${architecture}/bin/restate-server`;
  return import.meta.resolve(name);
}
