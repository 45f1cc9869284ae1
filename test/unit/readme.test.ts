/**
 * The commands in the documents must exist; their paths and links are checked by documents.test.ts. The README's
 * figures are those of the committed benchmark. That its mutation is answered as printed is shown by
 * test/integration/dev.test.ts.
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

interface BenchRow {
  readonly scenario: string;
  readonly contender: string;
  readonly form: string;
  readonly opsPerSecond: number;
}

const { rows } = JSON.parse(readFileSync('bench/results/latest.json', 'utf8')) as {
  readonly rows: readonly BenchRow[];
};

/** The median rate of a contender's best form, as the README writes it. */
function rateOf(scenario: string, contender: string): string {
  const rates = new Map<string, number[]>();
  for (const { form, opsPerSecond, ...row } of rows) {
    if (row.scenario !== scenario || row.contender !== contender) continue;
    rates.set(form, [...(rates.get(form) ?? []), opsPerSecond]);
  }
  const best = Math.max(...[...rates.values()].map(medianOf));
  return new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 }).format(best);
}

function medianOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (sorted.length - 1) / 2;
  return ((sorted[Math.floor(at)] ?? NaN) + (sorted[Math.ceil(at)] ?? NaN)) / 2;
}

const README = readFileSync('README.md', 'utf8');

test.each([
  ['200 callers, one product', 'hot', ['lanes', 'for-update', 'conditional-update']],
  ['200 callers, 10,000 products', 'spread', ['lanes', 'for-update', 'conditional-update']],
  ["200 callers, products by Zipf's law", 'zipf', ['lanes', 'for-update', 'conditional-update']],
  ['one caller alone', 'solo', ['lanes', 'for-update', 'conditional-update']],
  ['200 callers reserving one product', 'reserve', ['lanes', 'for-update']],
])('the README has the committed figures of: %s', (what, scenario, contenders) => {
  const line = README.split('\n').find((each) => each.startsWith(`| ${what} `)) ?? '';
  const cells = line.split('|').map((cell) => cell.trim());
  const figures = contenders.map((contender) => `${rateOf(scenario, contender)}/s`);
  expect(cells.slice(2, 2 + figures.length)).toEqual(figures);
});

test('the README begins with the committed figures of a hot product', () => {
  const text = README.replaceAll(/\s+/g, ' ');
  expect(text).toContain(`${rateOf('hot', 'lanes')} durable deductions a second`);
  expect(text).toContain(`\`SELECT … FOR UPDATE\` does ${rateOf('hot', 'for-update')} on`);
});
