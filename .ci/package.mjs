/**
 * The package as a user gets it: packs it, has publint and are-the-types-wrong look at it, installs it in an empty
 * folder, starts `npx stockade dev` there, sends the README's mutation, and runs and compiles the README's program
 * against `stockade/client` and `stockade/lock`.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { toolsFolder } from '../scripts/tools.mjs';

const START_TIMEOUT_MS = 300_000;
const READY = 'Ctrl-C stops everything.';
/** The package has ES modules alone, and its entries need `exports`. */
const OTHER_WAYS = new Set(['node10', 'node16-cjs']);

const folder = mkdtempSync(join(tmpdir(), 'stockade-package-'));
const readme = readFileSync('README.md', 'utf8');

function run(command, args, cwd = folder, env = {}) {
  const options = { cwd, encoding: 'utf8', env: { ...process.env, ...env } };
  try {
    return execFileSync(command, args, { ...options, stdio: ['ignore', 'pipe', 'inherit'] });
  } catch (error) {
    console.error(error.stdout);
    throw error;
  }
}

function pack() {
  const told = run('npm', ['pack', '--json', '--silent', '--pack-destination', folder], '.');
  // Scripts of the package may print before it.
  const [{ filename, files, size }] = JSON.parse(told.slice(told.indexOf('[\n')));
  const names = files.map(({ path }) => path);
  const strange = names.filter((name) => /^(?:src|test|bench|dist\/bench)\/|\.map$/.test(name));
  assert.deepEqual(strange, []);
  for (const name of ['client/possibleTypes.json', 'schema/schema.graphql', 'LICENSE']) {
    assert.ok(names.includes(name), name);
  }
  console.log(`  ${filename}: ${names.length} files, ${Math.ceil(size / 1024)} kB`);
  return join(folder, filename);
}

async function importTool(name) {
  const beside = pathToFileURL(join(toolsFolder(), 'package.json'));
  return import(pathToFileURL(createRequire(beside).resolve(name)).href);
}

async function examine(tarball) {
  const { publint } = await importTool('publint');
  const attw = await importTool('@arethetypeswrong/core');
  const bytes = readFileSync(tarball);
  const data = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
  const { messages } = await publint({ pack: { tarball: data }, level: 'warning', strict: true });
  assert.deepEqual(messages, []);
  const types = await attw.checkPackage(attw.createPackageFromTarballData(new Uint8Array(bytes)), {
    // No module.
    excludeEntrypoints: ['./schema.graphql'],
  });
  assert.ok(types.types);
  const problems = types.problems.filter(({ resolutionKind }) => !OTHER_WAYS.has(resolutionKind));
  assert.deepEqual(problems, []);
  console.log('  publint and are-the-types-wrong find nothing.');
}

async function startDevelopment() {
  const child = spawn('npx', ['stockade', 'dev'], {
    cwd: folder,
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let printed = '';
  child.stdout.on('data', (chunk) => (printed += chunk));
  const ended = once(child, 'exit').then(() => 'ended');
  const giveUpMs = performance.now() + START_TIMEOUT_MS;
  while (!printed.includes(READY)) {
    const late = performance.now() > giveUpMs;
    const state = await Promise.race([ended, wait(100, late ? 'late' : 'on its way')]);
    if (state !== 'on its way') throw new Error(`npx stockade dev: ${state}\n${printed}`);
  }
  return {
    redisUrl: process.env.REDIS_URL ?? /REDIS_URL=(\S+)/.exec(printed)?.[1],
    stop: async () => {
      process.kill(-child.pid, 'SIGINT');
      await ended;
    },
  };
}

async function sendMutation() {
  const [, mutation] = /```graphql\n(mutation [^`]+)```/.exec(readme);
  const [, printed] = /It answers:\n\n```json\n([^`]+)```/.exec(readme);
  const response = await fetch('http://localhost:4000/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: mutation }),
  });
  assert.deepEqual(await response.json(), JSON.parse(printed));
  console.log("  npx stockade dev answers the README's mutation.");
}

function runProgram(redisUrl) {
  const [, program] = /```js\n([^`]+)```/.exec(readme.slice(readme.indexOf('## As a package')));
  writeFileSync(join(folder, 'program.mjs'), program);
  const printed = run(process.execPath, ['program.mjs'], folder, { REDIS_URL: redisUrl });
  assert.match(printed, /^DeductedItem 98$/m);
  console.log("  The README's program runs.");
}

/** As a user's compiler sees the types, without this checkout's packages. */
function compile() {
  const source = `
    import { createStockadeClient, StockadeError, type StockErrorCode } from 'stockade/client';
    import { RedisLockService, type LockHold } from 'stockade/lock';
    const client = createStockadeClient({ url: 'http://localhost:4000/graphql' });
    export async function codes(): Promise<StockErrorCode[]> {
      const { results } = await client.deductStock({ items: [{ productId: 'a', quantity: 1 }] });
      return results.flatMap((line) => (line.__typename === 'FailedItem' ? [line.error.code] : []));
    }
    export type Hold = LockHold;
    // @ts-expect-error There is no such field.
    void client.deductStock({ lines: [] });
    export const parts = [StockadeError, RedisLockService];
  `;
  mkdirSync(join(folder, 'typed'));
  writeFileSync(join(folder, 'typed', 'program.ts'), source);
  writeFileSync(join(folder, 'package.json'), manifestOf('module'));
  const compiler = resolve('node_modules/typescript/bin/tsc');
  for (const [module, moduleResolution] of [
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ]) {
    const given = { strict: true, noEmit: true, target: 'es2022', skipLibCheck: true, types: [] };
    const compilerOptions = { ...given, module, moduleResolution, lib: ['es2023', 'dom'] };
    writeFileSync(
      join(folder, 'tsconfig.json'),
      JSON.stringify({ compilerOptions, include: ['typed'] }),
    );
    run(process.execPath, [compiler, '-p', '.']);
  }
  console.log('  Its types serve a strict compiler, for Node and for bundlers.');
}

function manifestOf(type) {
  const { dependencies } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  return JSON.stringify({ private: true, type, dependencies });
}

try {
  const tarball = pack();
  await examine(tarball);
  writeFileSync(join(folder, 'package.json'), '{"private":true}');
  run('npm', ['install', '--silent', tarball]);
  const development = await startDevelopment();
  try {
    await sendMutation();
    runProgram(development.redisUrl);
  } finally {
    await development.stop();
  }
  compile();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
