/**
 * The commands in the documents must exist; their paths and links are checked by documents.test.ts. That the README's
 * mutation is answered as printed is shown by test/integration/dev.test.ts.
 */
import { readFileSync, readdirSync } from 'node:fs';

const DOCS = readdirSync('docs').filter((name) => name.endsWith('.md'));
const PAGES = [
  ...['README.md', 'CONTRIBUTING.md', 'ARCHITECTURE.md', 'bench/README.md', 'test/README.md'],
  ...DOCS.map((name) => `docs/${name}`),
];

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8')) as {
  readonly scripts: Readonly<Record<string, string>>;
};

/** Shell blocks without their comments, and code within a line that is a command. */
function commandsOf(page: string): string {
  const text = readFileSync(page, 'utf8');
  const blocks = [...text.matchAll(/```sh\n([^`]*)```/g)].map(([, block = '']) => block);
  const inline = [...text.matchAll(/`([^`\n]*\b(?:npm|docker) [^`\n]*)`/g)].map(([, c = '']) => c);
  return [...blocks, ...inline].join('\n').replaceAll(/#.*$/gm, '');
}

test.each(PAGES)('%s names npm scripts that exist', (page) => {
  const named = [...commandsOf(page).matchAll(/\bnpm (?:run )?(?:--silent )?([a-z][a-z:-]*)/g)].map(
    ([, n]) => n,
  );
  const known = new Set(['ci', 'install', 'pack', ...Object.keys(scripts)]);
  expect(named.filter((name) => !known.has(name ?? ''))).toEqual([]);
});

test('the README names the commands that run it and test it', () => {
  expect(commandsOf('README.md')).toMatch(/^npm ci && npm run dev\b/m);
  expect(commandsOf('README.md')).toMatch(/^npm ci && npm test\b/m);
});
