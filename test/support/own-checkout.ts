/**
 * A checkout of a test's own, made of links to this one. `stockade dev` announces its services in its checkout's
 * `.cache/`, where commands without MYSQL_URL find them: those of another test, or of the developer, are not found.
 */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

const CACHE = '.cache';

export interface OwnCheckout {
  /** The arguments of Node that run its `stockade`. */
  readonly stockade: readonly string[];
  discard(): void;
}

export function ownCheckout(): OwnCheckout {
  const folder = mkdtempSync(join(tmpdir(), 'stockade-checkout-'));
  link('.', folder, (entry) => entry.name !== CACHE);
  mkdirSync(join(folder, CACHE));
  // The packages that have been downloaded, and no announcements.
  link(CACHE, join(folder, CACHE), (entry) => entry.isDirectory());
  return {
    // A program is where its links are, not where they lead.
    stockade: [
      ...['--preserve-symlinks', '--preserve-symlinks-main'],
      join(folder, 'dist/src/cli/stockade.js'),
    ],
    discard: () => {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface Entry {
  readonly name: string;
  isDirectory(): boolean;
}

function link(from: string, to: string, isWanted: (entry: Entry) => boolean): void {
  for (const entry of readdirSync(from, { withFileTypes: true }).filter(isWanted)) {
    symlinkSync(resolve(from, entry.name), join(to, entry.name));
  }
}
