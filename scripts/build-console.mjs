/**
 * Builds the console into dist/console: Vite's bundle, a compressed form of each file, and files.json, the list of what
 * the server may serve. `npm run build` runs it where something has changed.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import { formatDocument, stringifyDocument } from 'urql';
import ts from 'typescript';
import { build } from 'vite';

const OUT = 'dist/console';
const LIST = 'files.json';
const DOCUMENTS = 'documents.json';
const OPERATIONS = 'console/src/generated/operations.ts';
const PAGES = ['index.html', 'explorer.html'];
const OF_DEVELOPMENT = /\s*<meta name="stockade-sales"[^>]*>/;
/** Smaller ones grow or gain nothing. */
const COMPRESSED_BYTES_MIN = 512;
/** Brotli's best level takes seconds for the explorer's editor, and gains little there. */
const BEST_LEVEL_BYTES_MAX = 400_000;

const TYPES = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.ttf': 'font/ttf',
  '.woff2': 'font/woff2',
};
const COMPRESSIBLE = new Set(['.html', '.js', '.css', '.svg', '.ttf']);

function filesBelow(path) {
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path).flatMap((name) => filesBelow(join(path, name)));
}

async function compress(path, bytes) {
  const quality = bytes.length > BEST_LEVEL_BYTES_MAX ? 9 : constants.BROTLI_MAX_QUALITY;
  const params = { [constants.BROTLI_PARAM_QUALITY]: quality };
  const forms = {
    br: await promisify(brotliCompress)(bytes, { params }),
    gzip: await promisify(gzip)(bytes, { level: 9 }),
  };
  const encoded = {};
  for (const [encoding, form] of Object.entries(forms)) {
    const end = encoding === 'br' ? '.br' : '.gz';
    writeFileSync(join(OUT, path + end), form);
    encoded[encoding] = path + end;
  }
  return encoded;
}

async function describe(path) {
  const bytes = readFileSync(join(OUT, path));
  const end = extname(path);
  const type = TYPES[end];
  if (type === undefined) throw new Error(`scripts/build-console.mjs knows no type of ${path}`);
  const mayShrink = COMPRESSIBLE.has(end) && bytes.length >= COMPRESSED_BYTES_MIN;
  const hash = createHash('sha256').update(bytes).digest('base64url').slice(0, 20);
  return { type, hash, encoded: mayShrink ? await compress(path, bytes) : {} };
}

/** The pages tell whether there are sales to try: `stockade dev` serves these forms of them, other servers the rest. */
function divideForms() {
  mkdirSync(join(OUT, 'development'));
  for (const name of PAGES) {
    const page = readFileSync(join(OUT, name), 'utf8');
    const bare = page.replace(OF_DEVELOPMENT, '');
    if (bare === page) throw new Error(`${name} does not tell that there are sales to try`);
    writeFileSync(join(OUT, 'development', name), page);
    writeFileSync(join(OUT, name), bare);
  }
}

/**
 * A manifest of the console's documents for servers with TRUSTED_DOCUMENTS, in the texts that its client sends: queries
 * and mutations with each `__typename` that its cache adds, and all documents as they are.
 */
async function manifest() {
  const { outputText } = ts.transpileModule(readFileSync(OPERATIONS, 'utf8'), {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ESNext },
  });
  const exported = await import(`data:text/javascript,${encodeURIComponent(outputText)}`);
  const operations = Object.values(exported).flatMap((document) => {
    const [operation] = document.definitions.filter(({ kind }) => kind === 'OperationDefinition');
    if (!operation) return [];
    const bodies = new Set([document, formatDocument(document)].map(stringifyDocument));
    return [...bodies].map((body) => ({
      id: createHash('sha256').update(body).digest('hex'),
      name: operation.name.value,
      type: operation.operation,
      body,
    }));
  });
  return { format: 'apollo-persisted-query-manifest', version: 1, operations };
}

// Whatever the environment of the caller says, as that of a test does: React has a form of its own for development.
process.env.NODE_ENV = 'production';
await build({ configFile: 'console/vite.config.ts', logLevel: 'error' });
divideForms();
const described = await Promise.all(
  filesBelow(OUT)
    .map((path) => path.slice(OUT.length + 1).replaceAll('\\', '/'))
    .map(async (path) => [path, await describe(path)]),
);
writeFileSync(join(OUT, LIST), JSON.stringify(Object.fromEntries(described)));
writeFileSync(join(OUT, DOCUMENTS), JSON.stringify(await manifest()));
