/** Loaded into a server: prints the packages that it has loaded, each time it gets SIGUSR2. */
import { Module } from 'node:module';

const PACKAGE = /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!node_modules)/;

process.on('SIGUSR2', () => {
  const names = Object.keys(Module._cache).map((file) => PACKAGE.exec(file)?.[1] ?? '');
  process.stdout.write(`packages ${JSON.stringify([...new Set(names)])}\n`);
});
