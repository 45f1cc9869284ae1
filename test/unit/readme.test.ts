/**
 * What the README tells people to type must be there to be run, and what it links to must be there to be read. That
 * its mutation answers as it is printed is shown by test/integration/dev.test.ts, which pastes it.
 */
import { existsSync, readFileSync } from 'node:fs';

const PAGES = ['README.md', 'CONTRIBUTING.md', 'ARCHITECTURE.md'];

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

/** Shell blocks whole, and code within a line that is a command. */
function commandsOf(page: string): string {
  const text = readFileSync(page, 'utf8');
  const blocks = [...text.matchAll(/```sh\n([^`]*)```/g)].map(([, block = '']) => block);
  const inline = [...text.matchAll(/`([^`\n]*\b(?:npm|docker) [^`\n]*)`/g)].map(([, c = '']) => c);
  return [...blocks, ...inline].join('\n');
}

test.each(PAGES)('%s tells of scripts that are there', (page) => {
  const named = [...commandsOf(page).matchAll(/\bnpm (?:run )?([a-z][a-z:-]*)/g)].map(([, n]) => n);
  const known = new Set(['ci', 'install', ...Object.keys(scripts)]);
  expect(named.filter((name) => !known.has(name ?? ''))).toEqual([]);
});

test('the README names the two commands that everybody needs', () => {
  expect(commandsOf('README.md')).toMatch(/^npm ci && npm run dev\b/m);
  expect(commandsOf('README.md')).toMatch(/^npm ci && npm test\b/m);
});

test.each(PAGES)('%s names tests that are there', (page) => {
  const named = [...commandsOf(page).matchAll(/\btest\/[\w./-]+/g)].map(([path]) => path);
  expect(named.filter((path) => !existsSync(path))).toEqual([]);
});

test.each(PAGES)('%s links to files that are there', (page) => {
  const links = [...readFileSync(page, 'utf8').matchAll(/\]\((?!\w+:|#)([^)#]+)[^)]*\)/g)];
  expect(links.map(([, path = '']) => path).filter((path) => !existsSync(path))).toEqual([]);
});
