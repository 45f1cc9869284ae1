/** Fastify and mercurius with its JIT, which answer the same operation from memory. */
import { PLAIN_SDL, memoryResolvers, typeOfResult } from './plain-schema.js';
import { importRival } from './rival-packages.js';

interface Program {
  readonly startMercurius: (options: {
    readonly sdl: string;
    readonly mutations: typeof memoryResolvers;
    readonly union: string;
    readonly typeOf: typeof typeOfResult;
    readonly host: string;
    readonly port: number;
  }) => Promise<() => Promise<void>>;
}

const { HOST = '127.0.0.1', PORT } = process.env;
const { startMercurius } = (await importRival('mercurius.mjs')) as Program;
const stop = await startMercurius({
  sdl: PLAIN_SDL,
  mutations: memoryResolvers,
  union: 'DeductStockResult',
  typeOf: typeOfResult,
  host: HOST,
  port: Number(PORT),
});

process.on('SIGTERM', () => {
  void stop().then(() => process.exit(0));
});
