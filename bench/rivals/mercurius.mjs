/** Fastify with mercurius and its JIT, as their documentation starts them. */
import Fastify from 'fastify';
import mercurius from 'mercurius';

/** Operations are compiled when they come for the second time. */
const COMPILE_AFTER = 1;

/** Starts the server over a schema in SDL, the resolvers of its mutations, and the type of a union's value. */
export async function startMercurius({ sdl, mutations, union, typeOf, host, port }) {
  const app = Fastify();
  await app.register(mercurius, {
    schema: sdl,
    resolvers: { Mutation: mutations, [union]: { resolveType: typeOf } },
    jit: COMPILE_AFTER,
  });
  await app.listen({ host, port });
  return () => app.close();
}
