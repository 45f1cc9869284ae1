/**
 * The console's first page as a server sees it, open in a browser: the page's own operation, once a second over a kept
 * connection. A browser itself would take the CPU time of the machine that is measured.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Pool } from 'undici';
import { projectFolder } from '../../services/debian-packages.js';
import type { TestBed } from '../test-bed.js';
import { newKey } from './server-process.js';

/** As in console/src/pages/now.tsx. */
const READ_INTERVAL_MS = 1_000;
const OPERATION_FILE = 'console/operations/fleet.graphql';

export class ConsoleVisitor {
  private constructor(
    private readonly url: URL,
    private readonly headers: Readonly<Record<string, string>>,
    private readonly body: string,
  ) {}

  /** With an API key that may see all servers. */
  static async admit(bed: Pick<TestBed, 'services'>, url: string): Promise<ConsoleVisitor> {
    const query = await readFile(join(projectFolder(), OPERATION_FILE), 'utf8');
    const headers = {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json, application/json',
      authorization: `Bearer ${await newKey(bed, 'manage')}`,
    };
    return new ConsoleVisitor(
      new URL(url),
      headers,
      JSON.stringify({ query, operationName: 'ConsoleFleet' }),
    );
  }

  /** The page has its first answer when the work begins. @throws where a read failed. */
  async whileOpen<T>(work: () => Promise<T>): Promise<T> {
    const pool = new Pool(this.url.origin, { connections: 1 });
    const failures: unknown[] = [];
    let reading: Promise<void> | undefined;
    const readIfIdle = () => {
      reading ??= this.read(pool)
        .catch((error: unknown) => {
          failures.push(error);
        })
        .finally(() => (reading = undefined));
    };
    const timer = setInterval(readIfIdle, READ_INTERVAL_MS);
    try {
      readIfIdle();
      await reading;
      const value = await work();
      await reading;
      if (failures.length > 0) throw failures[0];
      return value;
    } finally {
      clearInterval(timer);
      await pool.close();
    }
  }

  private async read(pool: Pool): Promise<void> {
    const { headers, body } = this;
    const { statusCode, body: answer } = await pool.request({
      path: this.url.pathname,
      method: 'POST',
      headers,
      body,
    });
    const text = await answer.text();
    const { errors } = JSON.parse(text) as { readonly errors?: unknown };
    if (statusCode !== 200 || errors) throw new Error(`The console was refused: ${text}`);
  }
}
