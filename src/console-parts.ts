/** The console where it is served: its files, and its operations, which are trusted then. */
import { readFileSync } from 'node:fs';
import type { Logger } from 'pino';
import type { Config } from './config.js';
import {
  AutomaticDocuments,
  readManifest,
  TrustedDocuments,
  type PersistedDocuments,
} from './graphql/persisted-documents.js';
import { ConsolePages } from './http/console-pages.js';

/** Beside the built server. */
const FOLDER = new URL('../console/', import.meta.url);
/** The manifest of what the console asks for. The build writes it. */
const DOCUMENTS = new URL('documents.json', FOLDER);

/**
 * Null where it is off, and where it is not built, as in a checkout whose sources alone were compiled.
 *
 * @param development whether there are sales to try.
 */
export function openConsole(
  config: Config,
  { log, development }: { readonly log: Logger; readonly development: boolean },
): ConsolePages | null {
  if (!config.console) return null;
  const pages = ConsolePages.open(FOLDER, { development });
  if (!pages) log.warn('The console is not built, so /console is not served.');
  return pages;
}

/**
 * The documents of TRUSTED_DOCUMENTS, and those of the console where it is served.
 *
 * @throws ManifestError, and where the file cannot be read
 */
export function openPersistedDocuments(
  { trustedDocuments }: Config,
  pages: ConsolePages | null,
): PersistedDocuments {
  if (trustedDocuments === undefined) return new AutomaticDocuments();
  const ofConsole = pages ? readManifest(readFileSync(DOCUMENTS, 'utf8')) : [];
  // Where an id is in both, the operator's manifest decides.
  return new TrustedDocuments([
    ...ofConsole,
    ...readManifest(readFileSync(trustedDocuments, 'utf8')),
  ]);
}
