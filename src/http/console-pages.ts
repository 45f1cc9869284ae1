/**
 * The built console at `/console`: files that the build has listed, with their hashes and compressed forms. Nothing is
 * served that is not in that list, whatever a path says.
 *
 * Names of assets carry their content's hash, so browsers keep them for good. The pages are asked for again each time,
 * and answered by 304 while they are the same. Every path without a file is a page of the console itself.
 */
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { refusal, type HttpAnswer } from './answer.js';
import type { Route } from './process-request.js';
import { pathOf } from './request-path.js';

const PATH = '/console';
const METHODS: Route['methods'] = new Set(['GET', 'HEAD']);
/** In the order of preference. */
const ENCODINGS = ['br', 'gzip'] as const;
type Encoding = (typeof ENCODINGS)[number];

/** One entry of the build's list. */
interface BuiltFile {
  readonly type: string;
  readonly hash: string;
  /** The names of its compressed forms. */
  readonly encoded: Readonly<Partial<Record<Encoding, string>>>;
}

interface StoredFile extends BuiltFile {
  /** Its path in the folder. */
  readonly path: string;
}

const LIST = 'files.json';
const CONSOLE_PAGE = 'index.html';
const EXPLORER_PAGE = 'explorer.html';
/** The forms of the pages for `stockade dev`. */
const DEVELOPMENT = 'development/';

const POLICY = {
  'default-src': "'none'",
  'script-src': "'self'",
  'style-src': "'self'",
  'img-src': "'self'",
  'connect-src': "'self'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
} as const;
/** The explorer's editor measures text with styles of its own, and works in a worker. */
const EXPLORER_POLICY = {
  ...POLICY,
  'style-src': "'self' 'unsafe-inline'",
  'img-src': "'self' data:",
  'font-src': "'self' data:",
  'worker-src': "'self'",
};

const SECURITY = [
  ['x-content-type-options', 'nosniff'],
  ['referrer-policy', 'no-referrer'],
  ['cross-origin-opener-policy', 'same-origin'],
  ['vary', 'accept-encoding, origin'],
] as const;

export class ConsolePages {
  private constructor(
    private readonly folder: URL,
    private readonly files: ReadonlyMap<string, StoredFile>,
  ) {}

  /** Null where the folder has no built console. @param development whether it has sales to try. */
  static open(folder: URL, { development }: { development: boolean }): ConsolePages | null {
    let list: string;
    try {
      list = readFileSync(new URL(LIST, folder), 'utf8');
    } catch {
      return null;
    }
    const files = new Map<string, StoredFile>();
    const listed = Object.entries(JSON.parse(list) as Record<string, BuiltFile>);
    for (const [path, file] of listed) {
      if (!path.startsWith(DEVELOPMENT)) files.set(path, { ...file, path });
    }
    for (const [path, file] of listed) {
      const isWanted = development && path.startsWith(DEVELOPMENT);
      if (isWanted) files.set(path.slice(DEVELOPMENT.length), { ...file, path });
    }
    return new ConsolePages(folder, files);
  }

  /** Undefined where the path is none of the console's. */
  routeOf(path: string): Route | undefined {
    if (path === '/') return this.front;
    return path === PATH || path.startsWith(`${PATH}/`) ? this.page : undefined;
  }

  /** A browser is led to the console; a program is told where the API is. */
  private readonly front: Route = {
    methods: METHODS,
    answer: ({ raw }) =>
      Promise.resolve(
        raw.headers.accept?.includes('text/html')
          ? { status: 302, headers: [['location', `${PATH}/`]], body: '' }
          : refusal(404, 'Send operations by POST to /graphql; the console is at /console.'),
      ),
  };

  private readonly page: Route = {
    methods: METHODS,
    answer: async ({ raw }) => {
      const path = pathOf(raw.url ?? '') ?? PATH;
      if (path === PATH) return { status: 302, headers: [['location', `${PATH}/`]], body: '' };
      const asked = path.slice(PATH.length + 1);
      const name = this.files.has(asked) ? asked : pageOf(asked);
      const file = name === null ? undefined : this.files.get(name);
      if (name === null || !file) return refusal(404, `The console has no file ${asked}`);
      return this.send(raw, name, file);
    },
  };

  private async send(raw: IncomingMessage, name: string, file: StoredFile): Promise<HttpAnswer> {
    const accepted = raw.headers['accept-encoding'];
    const encoding = ENCODINGS.find((one) => file.encoded[one] && accepts(accepted, one));
    const tag = `"${file.hash}${encoding ? `-${encoding}` : ''}"`;
    const headers: [string, string][] = [
      ...SECURITY.map(([key, value]): [string, string] => [key, value]),
      ['etag', tag],
      ['cache-control', cachingOf(name)],
      ['content-security-policy', policyText(name)],
    ];
    if (raw.headers['if-none-match']?.split(/\s*,\s*/).includes(tag)) {
      return { status: 304, headers, body: '' };
    }
    headers.push(['content-type', file.type]);
    if (encoding) headers.push(['content-encoding', encoding]);
    const stored = (encoding && file.encoded[encoding]) ?? file.path;
    return { status: 200, headers, body: await readFile(new URL(stored, this.folder)) };
  }
}

/** The page that answers a path; null for one that names a file. */
function pageOf(asked: string): string | null {
  if (asked === 'explorer' || asked === 'explorer/') return EXPLORER_PAGE;
  return asked.startsWith('assets/') ? null : CONSOLE_PAGE;
}

function cachingOf(name: string): string {
  return name.startsWith('assets/') ? 'public, max-age=31536000, immutable' : 'no-cache';
}

/** Workers take the policy of their own script's answer. */
function policyText(name: string): string {
  const policy = name === EXPLORER_PAGE || name.includes('worker') ? EXPLORER_POLICY : POLICY;
  return Object.entries(policy)
    .map(([directive, sources]) => `${directive} ${sources}`)
    .join('; ');
}

function accepts(header: string | string[] | undefined, encoding: Encoding): boolean {
  return String(header ?? '')
    .split(',')
    .map((one) =>
      one
        .trim()
        .toLowerCase()
        .split(/\s*;\s*/),
    )
    .some(([name, ...parameters]) => name === encoding && !parameters.some(isZero));
}

function isZero(parameter: string): boolean {
  return /^q=0(?:\.0*)?$/.test(parameter);
}
