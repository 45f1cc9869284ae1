/** The packages that only the benchmark runs: which they are, and what happens where they cannot be installed. */
import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { installRivals } from '../../../bench/http/rival-packages.js';

const SOURCES = 'bench/rivals';

function readJson(name: string): unknown {
  return JSON.parse(readFileSync(join(SOURCES, name), 'utf8'));
}

test('the rivals are packages of exact versions, which a program beside them imports', () => {
  const { dependencies } = readJson('package.json') as { dependencies: Record<string, string> };
  const names = Object.keys(dependencies);
  expect(names).not.toEqual([]);
  for (const version of Object.values(dependencies)) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  const programs = readdirSync(SOURCES).filter((name) => name.endsWith('.mjs'));
  const texts = programs.map((name) => readFileSync(join(SOURCES, name), 'utf8')).join('');
  expect(names.filter((name) => !texts.includes(name))).toEqual([]);
});

test('the lock file of the rivals names a version of each package, and no registry', () => {
  const { packages } = readJson('package-lock.json') as {
    packages: Record<string, { version?: string; resolved?: string; integrity?: string }>;
  };
  const installed = Object.entries(packages).filter(([path]) => path !== '');
  expect(installed.length).toBeGreaterThan(100);
  const bad = installed.filter(
    ([, { version, resolved, integrity }]) => !version || !integrity || resolved !== undefined,
  );
  expect(bad).toEqual([]);
});

describe('without npm', () => {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-rivals-test-'));
  const { PATH } = process.env;

  afterEach(() => {
    process.env.PATH = PATH;
    rmSync(folder, { recursive: true, force: true });
  });

  test('the rivals are missing, each with the reason, and nothing half installed stays', async () => {
    process.env.PATH = folder;
    const lines: string[] = [];
    const missing = await installRivals(['mercurius', 'restate'], {
      signal: new AbortController().signal,
      log: (line) => lines.push(line),
      cacheFolder: folder,
    });
    const reason =
      'its packages, which come from the npm registry, are not installed: npm cannot be run (not found)';
    expect([...missing]).toEqual([
      ['mercurius', reason],
      ['restate', reason],
    ]);
    expect(lines).toHaveLength(1);
    expect(readdirSync(folder)).toEqual([]);
  });

  test('nothing is installed where no rival is wanted', async () => {
    process.env.PATH = folder;
    const options = {
      signal: new AbortController().signal,
      log: () => undefined,
      cacheFolder: join(folder, 'absent'),
    };
    expect(await installRivals([], options)).toEqual(new Map());
  });
});
