/** Runs work while another session holds a product's rows, until the work releases them or ends. */
import { holdRow } from './innodb.js';

export async function whileRowsAreHeld(
  databaseUrl: string,
  productId: string,
  work: (release: () => Promise<void>) => Promise<void>,
): Promise<void> {
  const stranger = await holdRow(databaseUrl, productId);
  let left: Promise<void> | undefined;
  const release = () => (left ??= stranger.release());
  try {
    await work(release);
  } finally {
    await release();
  }
}
