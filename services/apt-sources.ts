/**
 * This machine's distribution, and the mirror of its own apt. Packages are fetched from the mirror that the machine
 * already trusts and reaches, so the project names no host.
 */
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { WayUnavailable } from './service-errors.js';

export interface AptSource {
  readonly mirror: string;
  readonly suite: string;
  readonly keyring: string;
}

export interface Distribution {
  readonly id: 'debian' | 'ubuntu';
  readonly source: AptSource;
}

interface SourceEntry {
  readonly uri: string;
  readonly suites: readonly string[];
}

/** Names of suites that a machine may follow instead of its release's codename. */
const MOVING_SUITES = ['stable', 'oldstable', 'testing', 'unstable', 'sid'];

/** @throws WayUnavailable on any other system, or if apt has no mirror of the distribution. */
export function readDistribution(etc = '/etc'): Distribution {
  const release = parseRelease(readIfThere(join(etc, 'os-release')));
  const id = release.get('ID');
  if (id !== 'debian' && id !== 'ubuntu') {
    throw new WayUnavailable('this system is neither Debian nor Ubuntu');
  }
  const codename = release.get('VERSION_CODENAME') ?? 'sid';
  const wanted = [codename, ...(id === 'debian' ? MOVING_SUITES : [])];
  for (const { uri, suites } of readEntries(join(etc, 'apt'))) {
    const suite = suites.find((name) => wanted.includes(name));
    if (suite === undefined) continue;
    // Other sources may have a suite of that name; the URI of a distribution's own mirror ends in its name.
    if (!uri.replace(/\/+$/, '').endsWith(id) && !uri.startsWith('mirror+')) continue;
    const keyring = `/usr/share/keyrings/${id}-archive-keyring.gpg`;
    return { id, source: { mirror: uri, suite, keyring } };
  }
  throw new WayUnavailable(`apt's sources name no mirror of ${id} ${codename}`);
}

function parseRelease(text: string): Map<string, string> {
  const pairs = [...text.matchAll(/^(\w+)=["']?(.*?)["']?$/gm)];
  return new Map(pairs.map(([, key = '', value = '']) => [key, value]));
}

function readEntries(apt: string): SourceEntry[] {
  const folder = join(apt, 'sources.list.d');
  const names = listIfThere(folder).sort();
  const files = [join(apt, 'sources.list'), ...names.map((name) => join(folder, name))];
  return files.flatMap((file) => {
    if (file.endsWith('.sources')) return parseStanzas(readIfThere(file));
    return file.endsWith('.list') ? parseLines(readIfThere(file)) : [];
  });
}

/** Parses lines `deb [options] uri suite components`. */
function parseLines(text: string): SourceEntry[] {
  return [...text.matchAll(/^deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)\s/gm)].map(
    ([, uri = '', suite = '']) => ({ uri, suites: [suite] }),
  );
}

/** Parses stanzas of fields (deb822). */
function parseStanzas(text: string): SourceEntry[] {
  const withoutComments = text.replace(/^#.*\n?/gm, '');
  return withoutComments.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string) =>
      (new RegExp(`^${name}:[ \\t]*(.*(?:\\n[ \\t]+.*)*)`, 'im').exec(stanza)?.[1] ?? '')
        .split(/\s+/)
        .filter((word) => word !== '');
    if (!field('Types').includes('deb') || field('Enabled')[0] === 'no') return [];
    return field('URIs').map((uri) => ({ uri, suites: field('Suites') }));
  });
}

function readIfThere(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function listIfThere(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
